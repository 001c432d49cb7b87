#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
//
// Two clients on Node's ws, with its own compression of everything, say random texts to each other
// over an endpoint of the dialect broadcast; and handshakes as pages write them.  What was seen is
// printed as JSON.
//
//     deflate.js ADDRESS COUNT

'use strict';

const WebSocket = require('./installed').load('ws');

function open(address, protocols, options) {
    return new Promise((resolve) => {
        const socket = new WebSocket(address, protocols, options);
        socket.heard = [];
        socket.waiting = [];
        socket.on('message', (data, binary) => {
            const text = binary ? 'binary' : data.toString();
            if (socket.waiting.length > 0) socket.waiting.shift()(text);
            else socket.heard.push(text);
        });
        socket.on('open', () => resolve(socket));
        socket.on('error', (error) => resolve(error.message));
    });
}

function next(socket) {
    if (socket.heard.length > 0) return Promise.resolve(socket.heard.shift());
    return new Promise((resolve) => socket.waiting.push(resolve));
}

const ALPHABETS = ['ab', '{"type":"data",}0123456789 ', 'abcdefghijklmnopqrstuvwxyz0123456789',
    'éà👋🦉漢字 '].map((text) => Array.from(text));

// Up to 60,000 bytes, short ones as often as long ones.
function randomText() {
    const letters = ALPHABETS[Math.floor(Math.random() * ALPHABETS.length)];
    const bytes = Math.floor(10 ** (Math.random() * 4.778));
    let text = '';
    const length = Math.floor(bytes / (letters[1].charCodeAt(0) > 127 ? 4 : 1));
    for (let i = 0; i < length; i++) text += letters[Math.floor(Math.random() * letters.length)];
    return text;
}

async function talk(from, to, count) {
    let wrong = 0;
    for (let i = 0; i < count; i++) {
        const text = randomText();
        from.send(text, { fin: true });
        if (await next(to) !== text) wrong++;
    }
    return wrong;
}

async function main(address, count) {
    const seen = {};
    const compress = { perMessageDeflate: { threshold: 0 } };
    const a = await open(address, [], { ...compress, headers: { Authorization: 'Bearer x' } });
    const b = await open(address, compress);
    // Until b is heard, it may not be listening yet.
    b.send('here');
    await next(a);
    seen.extensions = [a.extensions, b.extensions];
    seen.wrong = await talk(a, b, count) + await talk(b, a, count);

    // Many at once, and in pieces.
    const texts = Array.from({ length: 50 }, randomText);
    for (const text of texts) {
        const half = Math.floor(text.length / 2) & ~1;
        a.send(Array.from(text).slice(0, half).join(''), { fin: false });
        a.send(Array.from(text).slice(half).join(''));
    }
    seen.pieces = 0;
    for (const text of texts) if (await next(b) === text) seen.pieces++;

    for (const [name, options] of [['window', { perMessageDeflate: { serverMaxWindowBits: 9 } }],
        ['takeover', { perMessageDeflate: { serverNoContextTakeover: true,
            clientNoContextTakeover: true, clientMaxWindowBits: 10 } }],
        ['none', { perMessageDeflate: false }]]) {
        const c = await open(address, options);
        const text = 'a text that is long enough '.repeat(100);
        c.send('here');
        await next(b);
        b.send(text);
        seen[name] = [c.extensions, await next(c) === text];
        c.close();
    }

    const unknown = await open(address, ['no.such.protocol']);
    seen.unknown = typeof unknown === 'string' ? unknown : unknown.protocol;
    console.log(JSON.stringify(seen));
    process.exit(0);
}

const [address, count] = process.argv.slice(2);
setTimeout(() => { console.error('not within 60 s'); process.exit(1); }, 60000).unref();
main(address, Number(count));

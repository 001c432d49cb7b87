#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
//
// A chat page's client, as front ends write it: a class around a WebSocket with a handler for each
// type of message, the token in the address or in the handshake's header.  Two of them talk to each
// other, and what they saw is printed as JSON.
//
//     chat.js ADDRESS TOKEN_A TOKEN_B ROOM ID_B [SUB-PROTOCOL]

'use strict';

const WebSocket = require('./installed').load('ws');

class WebSocketClient {
    constructor(address, token, options) {
        this.heard = [];
        this.waiting = [];
        this.handlers = new Map();
        this.address = options.inHeader ? address : `${address}?token=${token}`;
        this.protocols = options.protocol ? [options.protocol] : [];
        this.headers = options.inHeader ? { Authorization: `Bearer ${token}` } : {};
    }

    connect() {
        this.ws = new WebSocket(this.address, this.protocols, { headers: this.headers });
        this.ws.onmessage = (event) => this.handleMessage(JSON.parse(event.data));
        this.ws.onerror = (error) => { console.error(error.message); process.exit(1); };
        this.closed = new Promise((resolve) => {
            this.ws.onclose = (event) => resolve(event.code);
        });
        return new Promise((resolve) => { this.ws.onopen = resolve; });
    }

    handleMessage(message) {
        const handler = this.handlers.get(message.type);
        if (handler) handler(message.data);
        const index = this.waiting.findIndex((waiter) => waiter.type === message.type);
        if (index >= 0) this.waiting.splice(index, 1)[0].resolve(message.data);
        else this.heard.push(message);
    }

    onMessage(type, handler) {
        this.handlers.set(type, handler);
    }

    // The data of the next message of that type, whether it has come already or not.
    next(type) {
        const index = this.heard.findIndex((message) => message.type === type);
        if (index >= 0) return Promise.resolve(this.heard.splice(index, 1)[0].data);
        return new Promise((resolve) => this.waiting.push({ type, resolve }));
    }

    send(type, data) {
        this.ws.send(JSON.stringify({ type, data, timestamp: new Date().toISOString() }));
    }

    joinRoom(room) {
        this.send('join_room', { room });
    }

    sendRoomMessage(room, content) {
        this.send('room_message', { room, content, message_type: 'text' });
    }

    sendDirectMessage(toUserId, content) {
        this.send('direct_message', { to_user_id: toUserId, content, message_type: 'text' });
    }

    getRoomHistory(room, limit = 50, offset = 0) {
        this.send('room_history', { room, limit, offset });
    }

    disconnect() {
        this.ws.close();
    }
}

async function main(address, tokenA, tokenB, room, idB, protocol) {
    const seen = { handled: [] };
    const a = new WebSocketClient(address, tokenA, { protocol });
    const b = new WebSocketClient(address, tokenB, { inHeader: true });
    a.onMessage('room_message', (data) => seen.handled.push(data.content));
    await Promise.all([a.connect(), b.connect()]);
    seen.protocol = a.ws.protocol;
    a.joinRoom(room);
    seen.joined = await a.next('join_room_ack');
    b.joinRoom(room);
    await b.next('join_room_ack');

    a.sendRoomMessage(room, 'Bonjour tout le monde ! 👋');
    seen.own = await a.next('room_message');
    seen.heard = await b.next('room_message');
    b.send('room_message', { room, message_type: 'reaction', content: '👍', reply_to: seen.own.id });
    seen.reaction = await a.next('room_message');
    a.sendDirectMessage(idB, 'Salut, comment ça va ?');
    seen.direct = await b.next('direct_message');
    b.getRoomHistory(room);
    seen.history = await b.next('message_history');
    a.send('ping', {});
    seen.pong = await a.next('pong');
    a.joinRoom('nonexistent_room');
    seen.error = await a.next('error');
    seen.recent = Math.abs(Date.now() - new Date(seen.own.created_at)) < 120000;

    a.disconnect();
    b.disconnect();
    seen.closed = [await a.closed, await b.closed];
    console.log(JSON.stringify(seen));
}

const [address, tokenA, tokenB, room, idB, protocol] = process.argv.slice(2);
setTimeout(() => { console.error('not within 20 s'); process.exit(1); }, 20000).unref();
main(address, tokenA, tokenB, room, Number(idB), protocol);

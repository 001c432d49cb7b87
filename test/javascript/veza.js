#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
//
// A chat page's client, as front ends write it: a class around a WebSocket, callbacks, messages of
// {type, data}.  Two of them talk to each other, and what they saw is printed as JSON.  `ws` offers
// permessage-deflate in its handshake, as browsers do.
//
//     veza.js ADDRESS TOKEN_A TOKEN_B ROOM

'use strict';

const WebSocket = require('./installed').load('ws');
const { randomUUID } = require('crypto');

class Chat {
    constructor(address, token) {
        this.heard = [];
        this.waiting = [];
        this.socket = new WebSocket(address);
        this.socket.onopen = () => this.send('authenticate', { token });
        this.socket.onmessage = (event) => this.handle(JSON.parse(event.data));
        this.socket.onerror = (error) => this.fail(error.message);
        this.closed = new Promise((resolve) => {
            this.socket.onclose = (event) => resolve(event.code);
        });
    }

    fail(text) {
        console.error(text);
        process.exit(1);
    }

    handle(message) {
        const index = this.waiting.findIndex((waiter) => waiter.type === message.type);
        if (index >= 0) this.waiting.splice(index, 1)[0].resolve(message.data);
        else this.heard.push(message);
    }

    // The data of the next message of that type, whether it has come already or not.
    next(type) {
        const index = this.heard.findIndex((message) => message.type === type);
        if (index >= 0) return Promise.resolve(this.heard.splice(index, 1)[0].data);
        return new Promise((resolve) => this.waiting.push({ type, resolve }));
    }

    send(type, data) {
        this.socket.send(JSON.stringify({ type, data }));
    }

    joinRoom(room) {
        this.send('join_room', { room_id: room });
    }

    sendMessage(room, content) {
        this.send('send_message', {
            room_id: room, content, parent_id: null, metadata: { client_id: randomUUID() },
        });
    }

    history(room) {
        this.send('get_history', { room_id: room, limit: 50, before_id: null });
    }

    leave() {
        this.send('disconnect', { reason: 'done' });
    }
}

async function main(address, tokenA, tokenB, room) {
    const seen = {};
    const a = new Chat(address, tokenA);
    const b = new Chat(address, tokenB);
    seen.users = [(await a.next('auth_success')).username, (await b.next('auth_success')).username];
    seen.extensions = a.socket.extensions;
    a.joinRoom(room);
    await a.next('room_joined');
    b.joinRoom(room);
    seen.members = (await b.next('room_joined')).member_count;

    a.sendMessage(room, 'Hello from a page 👋');
    seen.sent = await a.next('message_sent');
    seen.own = await a.next('room_message');
    seen.heard = await b.next('room_message');
    b.sendMessage(room, 'Hello to you, @alice');
    seen.answer = await a.next('room_message');
    b.history(room);
    seen.history = (await b.next('room_history')).messages.map((message) => message.content);

    // Ids and times must survive JavaScript.
    seen.safe = Number.isSafeInteger(seen.sent.message_id);
    seen.recent = Math.abs(Date.now() - new Date(seen.sent.created_at)) < 120000;

    a.leave();
    b.leave();
    seen.closed = [await a.closed, await b.closed];
    console.log(JSON.stringify(seen));
}

const [address, tokenA, tokenB, room] = process.argv.slice(2);
setTimeout(() => { console.error('not within 20 s'); process.exit(1); }, 20000).unref();
main(address, tokenA, tokenB, Number(room));

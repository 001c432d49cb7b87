// SPDX-License-Identifier: Apache-2.0
//
// A chat page in React, as front ends of the dialect `chat` write it: a client that comes back by
// itself when its connection is lost, and a hook around it.

import { createElement, useCallback, useEffect, useRef, useState } from 'react';
import { createRoot } from 'react-dom/client';

const AGAIN = 200; // milliseconds, once more with each attempt

class Client {
    constructor(address, token, protocols) {
        Object.assign(this, { address, token, protocols, listeners: {}, attempts: 0, opened: 0 });
    }

    on(type, listener) {
        this.listeners[type] = listener;
        return this;
    }

    connect() {
        const socket = new WebSocket(`${this.address}?token=${this.token}`, this.protocols);
        this.socket = socket;
        socket.onopen = () => {
            this.attempts = 0;
            this.opened += 1;
            this.listeners.open?.();
        };
        socket.onmessage = (event) => {
            const { type, data } = JSON.parse(event.data);
            this.listeners[type]?.(data);
        };
        socket.onclose = (event) => {
            this.listeners.close?.(event.code);
            if (!this.ended && this.attempts < 20) {
                this.attempts += 1;
                setTimeout(() => this.connect(), AGAIN * this.attempts);
            }
        };
    }

    send(type, data) {
        if (this.socket.readyState !== WebSocket.OPEN) return;
        const timestamp = new Date().toISOString();
        this.socket.send(JSON.stringify({ type, data, timestamp }));
    }

    end() {
        this.ended = true;
        this.socket.close();
    }
}

function useChat(address, token, room, protocols) {
    const [connected, setConnected] = useState(false);
    const [messages, setMessages] = useState([]);
    const [people, setPeople] = useState([]);
    const [errors, setErrors] = useState([]);
    const client = useRef(null);

    useEffect(() => {
        const add = (set) => (data) => set((list) => [...list, data]);
        client.current = new Client(address, token, protocols)
            .on('open', () => {
                setConnected(true);
                client.current.send('join_room', { room });
            })
            .on('join_room_ack', () => client.current.send('room_history',
                                                           { room, limit: 20, offset: 0 }))
            .on('message_history', (data) => setMessages(data.messages))
            .on('room_message', add(setMessages))
            .on('direct_message', add(setMessages))
            .on('user_connected', (data) => setPeople((list) => [...list, data.username]))
            .on('user_disconnected',
                (data) => setPeople((list) => list.filter((name) => name !== data.username)))
            .on('error', add(setErrors))
            .on('close', () => setConnected(false));
        client.current.connect();
        return () => client.current.end();
    }, [address, token, room, protocols]);

    const say = useCallback((content) => client.current.send(
        'room_message', { room, content, message_type: 'text' }), [room]);
    const tell = useCallback((person, content) => client.current.send(
        'direct_message', { to_user_id: person, content, message_type: 'text' }), []);
    return { connected, messages, people, errors, say, tell, client };
}

function App({ address, token, room, protocols }) {
    const chat = useChat(address, token, room, protocols);
    window.chat = chat; // for the test to look at, and to speak through
    return createElement('ul', { id: chat.connected ? 'connected' : 'away' },
                         chat.messages.map((message) => createElement(
                             'li', { key: message.id }, `${message.username
                                 ?? message.from_username}: ${message.content}`)));
}

window.show = (options) => createRoot(document.body.appendChild(document.createElement('div')))
    .render(createElement(App, options));
window.shown = () => [...document.querySelectorAll('li')].map((item) => item.textContent);

// SPDX-License-Identifier: Apache-2.0
//
// The chat beside a stream in React, as front ends of the dialect `live` write it: a hook around one
// connection, which is one room; it comes back when the connection is lost.

import { createElement, useCallback, useEffect, useRef, useState } from 'react';
import { createRoot } from 'react-dom/client';

const AGAIN = 200; // milliseconds

function useRoom(address, room, token) {
    const [joined, setJoined] = useState(null);
    const [heard, setHeard] = useState([]);
    const [attempt, setAttempt] = useState(0);
    const socket = useRef(null);

    useEffect(() => {
        const query = token ? `?token=${token}` : '';
        const current = new WebSocket(`${address}/${room}${query}`);
        let ended = false;
        socket.current = current;
        current.onmessage = (event) => {
            const message = JSON.parse(event.data);
            setHeard((list) => [...list, message]);
            if (message.type === 'room_joined') setJoined(message.data);
        };
        current.onclose = (event) => {
            setJoined(null);
            setHeard((list) => [...list, { type: 'closed', data: event.code }]);
            const final = event.code === 1008 || event.code >= 4000;
            if (!ended && !final) setTimeout(() => setAttempt((count) => count + 1), AGAIN);
        };
        return () => {
            ended = true;
            current.close();
        };
    }, [address, room, token, attempt]);

    const send = useCallback((type, data = {}) => {
        if (socket.current?.readyState === WebSocket.OPEN)
            socket.current.send(JSON.stringify({ type, data }));
    }, []);
    return { joined, heard, send };
}

function App({ address, room, token }) {
    const chat = useRoom(address, room, token);
    window.chat = chat; // for the test to look at, and to speak through
    return createElement('ol', null, chat.heard
        .filter((message) => message.type === 'chat_message')
        .map(({ data }) => createElement('li', { key: data.id },
                                         `${data.username}: ${data.message}`)));
}

let root;
window.show = (options) => {
    root ??= createRoot(document.body.appendChild(document.createElement('div')));
    root.render(createElement(App, options));
};
window.shown = () => [...document.querySelectorAll('li')].map((item) => item.textContent);
window.heard = (type) => chat.heard.filter((message) => message.type === type);

#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
//
// What the reference implementation of GraphQL makes of the server's schema, which it asks for as
// tools do, and of documents for it: a JSON list on standard input.  Prints the schema, what is
// wrong with it, and what is wrong with each document.
//
//     graphql.js ADDRESS

'use strict';

const graphql = require('./installed').load('graphql');
const http = require('http');
const fs = require('fs');

function post(address, body) {
    return new Promise((resolve, reject) => {
        const headers = { 'Content-Type': 'application/json', 'Content-Length': body.length };
        const request = http.request(address, { method: 'POST', headers }, (response) => {
            const parts = [];
            response.on('data', (part) => parts.push(part));
            response.on('end', () => resolve(JSON.parse(Buffer.concat(parts))));
        });
        request.on('error', reject);
        request.end(body);
    });
}

async function introspect(address, options) {
    const query = graphql.getIntrospectionQuery(options);
    const answer = await post(address, Buffer.from(JSON.stringify({ query })));
    if (answer.errors) throw new Error(JSON.stringify(answer.errors));
    return graphql.buildClientSchema(answer.data);
}

function complaints(schema, text) {
    try {
        return graphql.validate(schema, graphql.parse(text)).map((error) => error.message);
    } catch (error) {
        return [error.message];
    }
}

async function main() {
    const all = { specifiedByUrl: true, directiveIsRepeatable: true, schemaDescription: true,
                  inputValueDeprecation: true };
    await introspect(process.argv[2], {});
    const schema = await introspect(process.argv[2], all);
    const documents = JSON.parse(fs.readFileSync(0));
    console.log(JSON.stringify({
        schema: graphql.printSchema(schema),
        wrong: graphql.validateSchema(schema).map((error) => error.message),
        complaints: documents.map((text) => complaints(schema, text)),
    }));
}

main().catch((error) => {
    console.error(error.stack);
    process.exit(1);
});

// SPDX-License-Identifier: GPL-2.0-or-later
//
// Node and what npm has for it: servers and clients as their manuals write them.
//
//   node.js serve PORT DIRECTORY     node's http: files; POST /sum: SHA-256 of what came
//   node.js express PORT DIRECTORY   the same of express
//   node.js ws-serve PORT            a WebSocket echo (ws)
//   node.js get BASE BYTES           node's http client with keep-alive; BYTES to post
//   node.js page URL
//   node.js undici BASE | ws URL TEXT | ioredis HOST TEXT | pg HOST TEXT |
//           mysql2 HOST TEXT | nodemailer HOST TEXT
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');

const sum = (data) => crypto.createHash('sha256').update(data).digest('hex');

function body(url, options, data) {
  return new Promise((done, failed) => {
    const r = http.request(url, options, (answer) => {
      const parts = [];
      answer.on('data', (d) => parts.push(d));
      answer.on('end', () => done(Buffer.concat(parts)));
      answer.on('error', failed);
    });
    r.on('error', failed);
    r.end(data);
  });
}

const programs = {
  serve(port, dir) {
    http.createServer((q, a) => {
      if (q.method === 'POST') {
        const h = crypto.createHash('sha256');
        q.on('data', (d) => h.update(d));
        q.on('end', () => a.end(h.digest('hex') + '\n'));
      } else {
        fs.createReadStream(dir + q.url).pipe(a);
      }
    }).listen(+port);
  },

  express(port, dir) {
    const express = require('express');
    const app = express();
    app.use(express.static(dir));
    app.post('/sum', express.raw({ limit: '9mb' }), (q, a) => a.send(sum(q.body) + '\n'));
    app.listen(+port);
  },

  'ws-serve'(port) {
    const { WebSocketServer } = require('ws');
    new WebSocketServer({ port: +port }).on('connection', (c) => {
      c.send('welcome');
      c.on('message', (m, binary) => c.send(binary ? sum(m) : m.toString()));
    });
  },

  async get(base, size) {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 2 });
    process.stdout.write(await body(base + '/marker.txt', { agent }));
    const big = await Promise.all([1, 2, 3].map(() => body(base + '/big', { agent })));
    for (const b of big) console.log('big', sum(b));
    if (+size) {
      const said = await body(base + '/sum', { agent, method: 'POST',
        headers: { 'content-type': 'application/octet-stream' } }, Buffer.alloc(+size));
      console.log('post', said.toString().trim());
    }
    agent.destroy();
  },

  async page(url) {
    process.stdout.write(await body(url, {}));
  },

  async undici(base) {
    const { Pool } = require('undici');
    const pool = new Pool(base, { connections: 2, pipelining: 4 });
    const get = async (path) => Buffer.from(
      await (await pool.request({ path, method: 'GET' })).body.arrayBuffer());
    process.stdout.write(await get('/marker.txt'));
    const big = await Promise.all([1, 2, 3, 4].map(() => get('/big')));
    for (const b of big) console.log('big', sum(b));
    await pool.close();
  },

  ws(url, text) {
    const { WebSocket } = require('ws');
    const c = new WebSocket(url);
    const say = [text, Buffer.alloc(200000, 7)];
    c.on('message', (m) => {
      console.log(m.toString());
      if (say.length) c.send(say.shift());
      else c.close(1000, 'enough');
    });
    c.on('close', (code) => console.log('closed', code));
  },

  async ioredis(host, text) {
    const Redis = require('ioredis');
    const r = new Redis(6379, host);
    await r.set('ioredis', text);
    console.log(await r.get('ioredis'));
    const many = r.pipeline();
    for (let i = 0; i < 100; i++) many.set('k' + i, 'v'.repeat(i));
    console.log((await many.exec()).length, await r.strlen('k99'));
    const sub = new Redis(6379, host);
    const heard = new Promise((done) => sub.on('message', (_, m) => done(m)));
    await sub.subscribe('news');
    await r.publish('news', text);
    console.log(await heard);
    r.disconnect();
    sub.disconnect();
  },

  async pg(host, text) {
    const { Client } = require('pg');
    const c = new Client({ host, user: 'postgres', database: 'postgres' });
    await c.connect();
    console.log((await c.query('SELECT $1::text AS said', [text])).rows[0].said);
    console.log(sum((await c.query("SELECT repeat('x', 300000) AS x")).rows[0].x));
    await c.end();
  },

  async mysql2(host, text) {
    const c = await require('mysql2/promise').createConnection({ host, user: 'app', password: 'indigo' });
    console.log((await c.execute('SELECT ? AS said', [text]))[0][0].said);
    console.log(sum((await c.query("SELECT REPEAT('x', 300000) AS x"))[0][0].x));
    await c.end();
  },

  async nodemailer(host, text) {
    const t = require('nodemailer').createTransport({ host, port: 25, secure: false });
    const r = await t.sendMail({ from: 'node@h1.example', to: 'root@h2.example', subject: 'node', text });
    console.log('accepted', r.accepted.join());
    t.close();
  },
};

const [what, ...args] = process.argv.slice(2);
Promise.resolve(programs[what](...args)).catch((e) => {
  console.error(e);
  process.exit(1);
});

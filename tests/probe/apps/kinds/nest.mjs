// NestJS with its own gateway, as its decorators compile to; answers by return value, by event and by a stream of events.
import 'reflect-metadata';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { from, map } from 'rxjs';
import behave from './behaviour.cjs';

class Gateway {
  server;
  afterInit(io) {
    behave(io);
  }
  handleConnection(socket) {
    socket.emit('nestHello', '@connect');
  }
  handleDisconnect(socket) {
    this.server.emit('nestGone', `@gone:${socket.id}`);
  }
  async returns(tag) {
    await Promise.resolve();
    return { tag };
  }
  replies(tag) {
    return { event: 'nestReply', data: tag };
  }
  streams(tag) {
    return from([1, 2, 3]).pipe(map(() => ({ event: 'nestStream', data: tag })));
  }
  both(tag, socket) {
    socket.broadcast.emit('nestOthers', tag);
    return 'done';
  }
}
for (const name of ['returns', 'replies', 'streams', 'both']) {
  SubscribeMessage(name)(Gateway.prototype, name, Object.getOwnPropertyDescriptor(Gateway.prototype, name));
  MessageBody()(Gateway.prototype, name, 0);
}
ConnectedSocket()(Gateway.prototype, 'both', 1);
WebSocketServer()(Gateway.prototype, 'server');
WebSocketGateway({ maxHttpBufferSize: 1e8 })(Gateway);

class Pages {
  constructor(gateway) {
    this.gateway = gateway;
  }
  async index() {
    this.gateway.server.emit('fromHttp', '@http');
    return 'ok';
  }
}
Get()(Pages.prototype, 'index', Object.getOwnPropertyDescriptor(Pages.prototype, 'index'));
Reflect.defineMetadata('design:paramtypes', [Gateway], Pages);
Controller()(Pages);

class App {}
Module({ providers: [Gateway], controllers: [Pages] })(App);

const app = await NestFactory.create(App, { logger: false });
await app.listen(0, '127.0.0.1');
process.send({ port: app.getHttpServer().address().port });

"""Delays every request to a server: delay_proxy.py LISTEN_PORT HOST PORT MILLISECONDS. A request is what a client sends; answers pass as they come."""
import asyncio
import socket
import sys

listen, host, port, delay = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4]) / 1000


async def pump(source, target, wait):
    loop = asyncio.get_running_loop()
    try:
        while chunk := await loop.sock_recv(source, 1 << 20):
            if wait:
                await asyncio.sleep(wait)
            await loop.sock_sendall(target, chunk)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


async def serve(client):
    server = socket.socket()
    server.setblocking(False)
    for end in (client, server):
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    await asyncio.get_running_loop().sock_connect(server, (host, port))
    await asyncio.gather(pump(client, server, delay), pump(server, client, 0))
    client.close()
    server.close()


async def main():
    loop = asyncio.get_running_loop()
    tasks = set()
    with socket.create_server(("127.0.0.1", listen), backlog=256) as accepting:
        accepting.setblocking(False)
        while True:
            client, _ = await loop.sock_accept(accepting)
            client.setblocking(False)
            task = loop.create_task(serve(client))
            tasks.add(task)
            task.add_done_callback(tasks.discard)


asyncio.run(main())

// A proxy as companies have them: it tunnels, and prints its port, then a line for each tunnel.
import { createServer } from 'node:http';
import { connect } from 'node:net';

const server = createServer((_request, response) => response.writeHead(501).end());
server.on('connect', (request, client, head) => {
  const [host, port] = request.url.split(':');
  const target = connect(Number(port), host, () => {
    console.log('tunnel');
    client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    target.write(head);
    target.pipe(client).pipe(target);
  });
  for (const socket of [client, target]) socket.on('error', () => client.destroy());
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));

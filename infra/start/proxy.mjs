import { join } from 'node:path';
import { prepareNginx, serverLines } from '../local/nginx.mjs';
import { LOOPBACK } from '../local/ports.mjs';

/** nginx in front of everything: for fans on PORT, for the services on BOOKING_PORT and a port of its own. */
export function openProxy({ roster, root, dataDir, settings }) {
  const { proxy, gatewayPorts, bookingPorts } = settings;
  const servers = (ports) => serverLines(ports.map((port) => `${LOOPBACK}:${port}`));
  return prepareNginx({
    roster,
    root,
    dataDir,
    binaries: join(dataDir, 'nginx-server'),
    port: proxy.bookingPort,
    values: {
      PUBLIC_LISTEN: proxy.listen,
      BOOKING_LISTEN: `${LOOPBACK}:${proxy.bookingPort}`,
      GATEWAY_LISTEN: `${LOOPBACK}:${proxy.gatewayPort}`,
      GATEWAYS: servers(gatewayPorts),
      BOOKINGS: servers(bookingPorts),
    },
  });
}

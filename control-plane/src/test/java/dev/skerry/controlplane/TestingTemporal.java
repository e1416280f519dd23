package dev.skerry.controlplane;

import io.temporal.testserver.TestServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;

/** One Temporal server per test process, on a port of its own. */
final class TestingTemporal {
    private TestingTemporal() {}

    static String target() {
        return "127.0.0.1:" + Server.PORT;
    }

    private static final class Server {
        static final int PORT = start();

        private static int start() {
            int port = freePort();
            TestServer.createPortBoundServer(port);
            return port;
        }

        private static int freePort() {
            try (ServerSocket free = new ServerSocket(0)) {
                return free.getLocalPort();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}

package dev.skerry.system;

import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import org.awaitility.Awaitility;

/** Ports of this machine. */
public final class Ports {
    private Ports() {}

    /** Below those that systems give to outgoing connections, so that none takes it before its server starts. */
    public static int free() throws IOException {
        while (true) {
            try (ServerSocket socket =
                    new ServerSocket(ThreadLocalRandom.current().nextInt(20_000, 32_000))) {
                return socket.getLocalPort();
            } catch (BindException e) {
                continue;
            }
        }
    }

    public static void awaitListening(int port, Duration patience) {
        Awaitility.await().atMost(patience).pollInterval(Duration.ofMillis(50)).until(() -> {
            try (Socket socket = new Socket()) {
                socket.connect(new InetSocketAddress("127.0.0.1", port), 500);
                return true;
            } catch (IOException e) {
                return false;
            }
        });
    }
}

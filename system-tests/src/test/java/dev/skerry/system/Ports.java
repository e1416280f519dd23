package dev.skerry.system;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import org.awaitility.Awaitility;

/** Ports of this machine. */
public final class Ports {
    private Ports() {}

    public static void awaitListening(int port, Duration patience) {
        Awaitility.await().atMost(patience).pollInterval(Duration.ofMillis(50)).until(() -> isListening(port));
    }

    static boolean isListening(int port) {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress("127.0.0.1", port), 500);
            return true;
        } catch (IOException e) {
            return false;
        }
    }
}

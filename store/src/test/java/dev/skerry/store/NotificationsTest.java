package dev.skerry.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.springframework.boot.jdbc.autoconfigure.DataSourceProperties;

class NotificationsTest {
    @Test
    void aServerThatAcceptsAndStaysSilentIsGivenUpAndTriedAgain() throws Exception {
        Semaphore tried = new Semaphore(0);
        try (ServerSocket silent = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
            Thread.ofVirtual().start(() -> acceptSilently(silent, tried));
            DataSourceProperties source = new DataSourceProperties();
            source.setUrl("jdbc:postgresql://127.0.0.1:" + silent.getLocalPort() + "/any");
            source.setUsername("anybody");
            Notifications notifications = new Notifications(source);
            notifications.start();
            try {
                assertThat(tried.tryAcquire(2, 30, TimeUnit.SECONDS)).isTrue();
            } finally {
                notifications.stop();
            }
        }
    }

    /** Has no encryption to offer, as it says, and says nothing more. */
    private static void acceptSilently(ServerSocket server, Semaphore tried) {
        List<Socket> held = new ArrayList<>();
        try {
            while (true) {
                Socket socket = server.accept();
                held.add(socket);
                socket.getInputStream().readNBytes(8);
                socket.getOutputStream().write('N');
                tried.release();
            }
        } catch (SocketException closed) {
            held.forEach(NotificationsTest::close);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void close(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}

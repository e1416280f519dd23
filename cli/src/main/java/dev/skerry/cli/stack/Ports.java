package dev.skerry.cli.stack;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;

/** Ports of the loopback address. */
final class Ports {
    private static final int PATIENCE_MILLIS = 500;
    private static final int FIRST = 20_000;
    private static final int BEHIND_LAST = 32_000;
    private static final int MOST_TRIES = 200;
    private static final Set<Integer> GIVEN = ConcurrentHashMap.newKeySet();

    private Ports() {}

    /**
     * A free port for a server that starts later. It lies below those that systems give to outgoing connections, so that none takes it
     * meanwhile; drawn by chance, so that stacks that start together do not choose the same; and never the same twice, because the server
     * that it was given to before may not listen yet.
     */
    static int free() throws IOException {
        for (int tries = 0; tries < MOST_TRIES; tries++) {
            int port = ThreadLocalRandom.current().nextInt(FIRST, BEHIND_LAST);
            if (GIVEN.add(port) && isFree(port)) {
                return port;
            }
        }
        throw new IOException("no port between " + FIRST + " and " + BEHIND_LAST + " is free");
    }

    /**
     * The port in the file where that is free, else another, which the file names from now on. Sandboxes that outlived a stack that was
     * killed know no other way to the next one.
     */
    static int kept(Path file) throws IOException {
        String known = Files.exists(file) ? Files.readString(file).strip() : "";
        if (known.matches("\\d{4,5}")) {
            int port = Integer.parseInt(known);
            if (port >= FIRST && port < BEHIND_LAST && isFree(port)) {
                GIVEN.add(port);
                return port;
            }
        }
        int port = free();
        Path fresh = file.resolveSibling(file.getFileName() + ".new");
        Files.writeString(fresh, port + "\n");
        Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        return port;
    }

    static boolean isFree(int port) {
        try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
            return socket.isBound();
        } catch (IOException e) {
            return false;
        }
    }

    static boolean answers(int port) {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), PATIENCE_MILLIS);
            return true;
        } catch (IOException e) {
            return false;
        }
    }
}

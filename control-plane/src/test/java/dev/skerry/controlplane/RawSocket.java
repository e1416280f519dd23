package dev.skerry.controlplane;

import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** Says bytes to a port and shows what comes back, without a client library that would correct them. */
public final class RawSocket implements AutoCloseable {
    private final Socket socket;

    public RawSocket(int port) throws IOException {
        socket = new Socket("127.0.0.1", port);
        socket.setSoTimeout(15_000);
    }

    public RawSocket say(String text) throws IOException {
        socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
        socket.getOutputStream().flush();
        return this;
    }

    /** Everything until the other side closes. */
    public String hearAll() throws IOException {
        return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
    }

    /** One read; empty when the other side has closed. */
    public String hear() throws IOException {
        byte[] bytes = new byte[8192];
        int count = socket.getInputStream().read(bytes);
        return count < 0 ? "" : new String(bytes, 0, count, StandardCharsets.ISO_8859_1);
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}

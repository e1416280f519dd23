package dev.skerry.system;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The wire between sandboxes and the control plane, which notes when a turn's id first comes down it. */
final class SandboxLine implements AutoCloseable {
    private static final Pattern TURN = Pattern.compile("trn_[0-9A-Z]{26}");
    private static final int LONGEST_ID = 30;
    private static final int BUFFER = 1 << 16;

    private final ServerSocket door;
    private final int controlPlane;
    private final Map<String, Long> received = new ConcurrentHashMap<>();

    private SandboxLine(ServerSocket door, int controlPlane) {
        this.door = door;
        this.controlPlane = controlPlane;
    }

    static SandboxLine to(int controlPlane) throws IOException {
        SandboxLine line = new SandboxLine(new ServerSocket(0, 50, InetAddress.getLoopbackAddress()), controlPlane);
        Thread.ofVirtual().start(line::accept);
        return line;
    }

    String url() {
        return "http://127.0.0.1:" + door.getLocalPort();
    }

    /** By {@link System#nanoTime()}. */
    OptionalLong receivedAt(String turn) {
        Long at = received.get(turn);
        return at == null ? OptionalLong.empty() : OptionalLong.of(at);
    }

    private void accept() {
        while (!door.isClosed()) {
            try {
                Socket sandbox = door.accept();
                Socket server = new Socket(InetAddress.getLoopbackAddress(), controlPlane);
                sandbox.setTcpNoDelay(true);
                server.setTcpNoDelay(true);
                Thread.ofVirtual().start(() -> pump(sandbox, server, false));
                Thread.ofVirtual().start(() -> pump(server, sandbox, true));
            } catch (IOException e) {
                continue;
            }
        }
    }

    private void pump(Socket from, Socket to, boolean down) {
        byte[] buffer = new byte[BUFFER];
        String before = "";
        try (from;
                to) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                out.write(buffer, 0, read);
                if (down) {
                    before = note(before + new String(buffer, 0, read, StandardCharsets.ISO_8859_1));
                }
            }
        } catch (IOException e) {
            return;
        }
    }

    private String note(String text) {
        long now = System.nanoTime();
        Matcher turn = TURN.matcher(text);
        while (turn.find()) {
            received.putIfAbsent(turn.group(), now);
        }
        return text.substring(Math.max(0, text.length() - LONGEST_ID));
    }

    @Override
    public void close() throws IOException {
        door.close();
    }
}

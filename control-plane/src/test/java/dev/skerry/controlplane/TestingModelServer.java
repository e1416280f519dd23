package dev.skerry.controlplane;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.function.Function;
import tools.jackson.databind.JsonNode;

/**
 * A real HTTP/1.1 server in a model provider's place. It says byte for byte what a test wants, and can hang, close or reset where no HTTP
 * library would.
 */
public final class TestingModelServer implements AutoCloseable {
    private final ServerSocket server;
    private final Function<Received, Reply> script;
    private final List<Received> received = new CopyOnWriteArrayList<>();
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private final CountDownLatch closed = new CountDownLatch(1);

    /** A request as it came; header names in lower case. */
    public record Received(String method, String path, Map<String, String> headers, String text) {
        public JsonNode body() {
            return Http.JSON.readTree(text);
        }
    }

    /** How a connection goes on after what was sent. */
    private enum Ending {
        WHOLE,
        CLOSE,
        RESET,
        HANG
    }

    /** What to answer. */
    public static final class Reply {
        private final String head;
        private final boolean chunked;
        private final List<byte[]> pieces = new ArrayList<>();
        private Duration between = Duration.ZERO;
        private Duration before = Duration.ZERO;
        private Ending ending = Ending.WHOLE;

        private Reply(String head, boolean chunked) {
            this.head = head;
            this.chunked = chunked;
        }

        /** 200 and server-sent events; each of them is sent as a piece of its own, followed by an empty line. */
        public static Reply events(List<String> events) {
            Reply reply = new Reply("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n", true);
            events.forEach(event -> reply.pieces.add((event + "\n\n").getBytes(StandardCharsets.UTF_8)));
            return reply;
        }

        /** A whole JSON answer. */
        public static Reply json(int status, String body, String... headers) {
            return text(status, "application/json", body, headers);
        }

        public static Reply text(int status, String type, String body, String... headers) {
            byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
            StringBuilder head = new StringBuilder("HTTP/1.1 " + status + " Status\r\nContent-Type: " + type
                    + "\r\nContent-Length: " + bytes.length + "\r\n");
            for (String header : headers) {
                head.append(header).append("\r\n");
            }
            Reply reply = new Reply(head.toString(), false);
            reply.pieces.add(bytes);
            return reply;
        }

        /** Takes the request and says nothing. */
        public static Reply silence() {
            return new Reply("", false).thenHang();
        }

        /** Takes the request and closes the connection. */
        public static Reply nothing() {
            return new Reply("", false).thenClose();
        }

        public Reply slowly(Duration pause) {
            this.between = pause;
            return this;
        }

        public Reply after(Duration pause) {
            this.before = pause;
            return this;
        }

        public Reply thenClose() {
            this.ending = Ending.CLOSE;
            return this;
        }

        public Reply thenReset() {
            this.ending = Ending.RESET;
            return this;
        }

        public Reply thenHang() {
            this.ending = Ending.HANG;
            return this;
        }
    }

    /** {@code script} is asked for each request, on the connection's own thread. */
    public TestingModelServer(Function<Received, Reply> script) {
        this(0, script);
    }

    TestingModelServer(int port, Function<Received, Reply> script) {
        this.script = script;
        try {
            this.server = new ServerSocket(port, 1000, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Thread.ofVirtual().start(this::accept);
    }

    /** Gives these answers, one a request; a request too many is answered with 418, which no provider sends. */
    public static TestingModelServer answering(Reply... replies) {
        Queue<Reply> left = new ConcurrentLinkedQueue<>(List.of(replies));
        return new TestingModelServer(ignored -> {
            Reply next = left.poll();
            return next == null ? Reply.json(418, "{}") : next;
        });
    }

    public String origin() {
        return "http://127.0.0.1:" + server.getLocalPort();
    }

    public List<Received> received() {
        return List.copyOf(received);
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket socket = server.accept();
                open.add(socket);
                Thread.ofVirtual().start(() -> serve(socket));
            } catch (IOException e) {
                return;
            }
        }
    }

    private void serve(Socket socket) {
        try (socket) {
            socket.setTcpNoDelay(true);
            InputStream in = new BufferedInputStream(socket.getInputStream());
            Received request = read(in);
            while (request != null) {
                received.add(request);
                if (!answer(socket, script.apply(request))) {
                    return;
                }
                request = read(in);
            }
        } catch (IOException | InterruptedException e) {
            return;
        } finally {
            open.remove(socket);
        }
    }

    /** Answers whether the connection may carry another request. */
    private boolean answer(Socket socket, Reply reply) throws IOException, InterruptedException {
        OutputStream out = socket.getOutputStream();
        pause(reply.before);
        if (!reply.head.isEmpty()) {
            out.write((reply.head + (reply.chunked ? "Transfer-Encoding: chunked\r\n" : "") + "\r\n")
                    .getBytes(StandardCharsets.UTF_8));
        }
        for (byte[] piece : reply.pieces) {
            write(out, piece, reply.chunked);
            pause(reply.between);
        }
        switch (reply.ending) {
            case WHOLE -> {
                if (reply.chunked) {
                    out.write("0\r\n\r\n".getBytes(StandardCharsets.UTF_8));
                }
                out.flush();
                return true;
            }
            case CLOSE -> out.flush();
            case RESET -> {
                out.flush();
                pause(Duration.ofMillis(50));
                socket.setSoLinger(true, 0);
            }
            case HANG -> closed.await();
        }
        return false;
    }

    private static void write(OutputStream out, byte[] piece, boolean chunked) throws IOException {
        if (chunked) {
            ByteArrayOutputStream chunk = new ByteArrayOutputStream();
            chunk.write((Integer.toHexString(piece.length) + "\r\n").getBytes(StandardCharsets.UTF_8));
            chunk.write(piece);
            chunk.write("\r\n".getBytes(StandardCharsets.UTF_8));
            chunk.writeTo(out);
        } else {
            out.write(piece);
        }
        out.flush();
    }

    private static void pause(Duration duration) throws InterruptedException {
        if (duration.isPositive()) {
            Thread.sleep(duration);
        }
    }

    private static Received read(InputStream in) throws IOException {
        String first = line(in);
        if (first == null || first.isEmpty()) {
            return null;
        }
        String[] words = first.split(" ");
        Map<String, String> headers = new TreeMap<>();
        for (String line = line(in); line != null && !line.isEmpty(); line = line(in)) {
            int colon = line.indexOf(':');
            headers.put(
                    line.substring(0, colon).toLowerCase(Locale.ROOT),
                    line.substring(colon + 1).strip());
        }
        int length = Integer.parseInt(headers.getOrDefault("content-length", "0"));
        return new Received(words[0], words[1], headers, new String(in.readNBytes(length), StandardCharsets.UTF_8));
    }

    private static String line(InputStream in) throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int next = in.read(); next >= 0; next = in.read()) {
            if (next == '\n') {
                return line.toString(StandardCharsets.UTF_8).stripTrailing();
            }
            line.write(next);
        }
        return null;
    }

    @Override
    public void close() {
        closed.countDown();
        try {
            server.close();
            for (Socket socket : open) {
                socket.close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

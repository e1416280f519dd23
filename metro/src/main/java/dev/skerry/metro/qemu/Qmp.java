package dev.skerry.metro.qemu;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** One conversation with the monitor of a running QEMU, over when its deadline is. */
final class Qmp implements AutoCloseable {
    private static final JsonMapper JSON = new JsonMapper();

    private final SocketChannel channel;
    private final BufferedReader said;
    private final Thread watchdog;

    private Qmp(SocketChannel channel, Duration deadline) {
        this.channel = channel;
        this.said = new BufferedReader(new InputStreamReader(Channels.newInputStream(channel), StandardCharsets.UTF_8));
        this.watchdog = Thread.ofVirtual().start(() -> {
            try {
                Thread.sleep(deadline);
                channel.close();
            } catch (InterruptedException | IOException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    /** Fails when nobody listens or nobody speaks before the deadline, which also ends everything that follows. */
    static Qmp connect(Path socket, Duration deadline) throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        Qmp monitor = new Qmp(channel, deadline);
        try {
            channel.connect(UnixDomainSocketAddress.of(socket));
            monitor.line();
            monitor.execute("qmp_capabilities", Map.of());
            return monitor;
        } catch (IOException e) {
            monitor.close();
            throw e;
        }
    }

    JsonNode execute(String command) throws IOException {
        return execute(command, Map.of());
    }

    JsonNode execute(String command, Map<String, Object> arguments) throws IOException {
        byte[] line = JSON.writeValueAsBytes(Map.of("execute", command, "arguments", arguments));
        ByteBuffer bytes =
                ByteBuffer.allocate(line.length + 1).put(line).put((byte) '\n').flip();
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
        while (true) {
            JsonNode answer = line();
            if (answer.has("return")) {
                return answer.path("return");
            }
            if (answer.has("error")) {
                throw new IOException("QEMU refuses " + command + ": "
                        + answer.path("error").path("desc").asString(""));
            }
        }
    }

    private JsonNode line() throws IOException {
        try {
            String line = said.readLine();
            if (line == null) {
                throw new IOException("QEMU has hung up");
            }
            return JSON.readTree(line);
        } catch (java.nio.channels.AsynchronousCloseException e) {
            throw new IOException("QEMU does not answer", e);
        } catch (JacksonException e) {
            throw new IOException("QEMU does not speak its protocol", e);
        }
    }

    @Override
    public void close() {
        watchdog.interrupt();
        try {
            channel.close();
        } catch (IOException e) {
            Thread.onSpinWait();
        }
    }
}

package dev.skerry.activities.docker;

import dev.skerry.testing.FreePort;
import dev.skerry.testing.Required;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A second Docker Engine that answers on a loopback port over TLS alone, and a certificate authority of its own for both sides. */
final class TestingTlsEngine {
    private static final long PATIENCE_SECONDS = 60;
    private static final String UNMOUNT =
            "awk -v top=\"$1/\" 'index($2, top) == 1 { print $2 }' /proc/self/mounts | sort -r | xargs -r umount -l; rm -rf \"$1\"";

    private final Path directory;
    private final int port;
    private final Process engine;

    private TestingTlsEngine(Path directory, int port, Process engine) {
        this.directory = directory;
        this.port = port;
        this.engine = engine;
    }

    static TestingTlsEngine start() throws Exception {
        boolean can = Stream.of("dockerd", "docker", "openssl").allMatch(TestingTlsEngine::isOnPath)
                && "root".equals(System.getProperty("user.name"));
        Required.server("dockerd", can, "a second Docker Engine takes root, dockerd, docker and openssl");
        Path directory = Files.createTempDirectory("tls-engine");
        for (String party : List.of("engine", "client", "stranger")) {
            certify(Files.createDirectories(directory.resolve(party)), authority(directory, party));
        }
        int port = FreePort.find();
        Path own = directory.resolve("engine");
        Process engine = new ProcessBuilder(
                        "dockerd",
                        "--host=tcp://127.0.0.1:" + port,
                        "--tlsverify",
                        "--tlscacert=" + own.resolve("ca.pem"),
                        "--tlscert=" + own.resolve("cert.pem"),
                        "--tlskey=" + own.resolve("key.pem"),
                        "--data-root=" + directory.resolve("data"),
                        "--exec-root=" + directory.resolve("exec"),
                        "--pidfile=" + directory.resolve("pid"),
                        "--iptables=false",
                        "--ip-forward=false")
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("log").toFile())
                .start();
        TestingTlsEngine started = new TestingTlsEngine(directory, port, engine);
        started.awaitAnswer();
        return started;
    }

    String url() {
        return "tcp://127.0.0.1:" + port;
    }

    /** Holds a certificate that the engine trusts. */
    Path client() {
        return directory.resolve("client");
    }

    /** Holds one of another authority. */
    Path stranger() {
        return directory.resolve("stranger");
    }

    /** What the {@code docker} command and the image builder need to reach it. */
    Map<String, String> environment() {
        return Map.of("DOCKER_HOST", url(), "DOCKER_TLS_VERIFY", "1", "DOCKER_CERT_PATH", client().toString());
    }

    /** What a command says that is run with that environment. */
    String run(String... command) throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().putAll(environment());
        return said(builder);
    }

    private void awaitAnswer() throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (true) {
            try {
                run("docker", "version");
                return;
            } catch (IllegalStateException e) {
                if (!engine.isAlive() || System.nanoTime() > deadline) {
                    String log = Files.readString(directory.resolve("log"));
                    end();
                    throw new IllegalStateException("dockerd does not answer over TLS: " + log, e);
                }
                engine.waitFor(200, TimeUnit.MILLISECONDS);
            }
        }
    }

    private static Path authority(Path directory, String party) throws IOException, InterruptedException {
        Path authority = directory.resolve(party.equals("stranger") ? "other-authority" : "authority");
        if (Files.notExists(authority)) {
            Files.createDirectories(authority);
            openssl(authority, "-subj", "/CN=" + authority.getFileName(), "-keyout", "key.pem", "-out", "ca.pem");
        }
        return authority;
    }

    private static void certify(Path party, Path authority) throws IOException, InterruptedException {
        Files.copy(authority.resolve("ca.pem"), party.resolve("ca.pem"));
        openssl(
                party,
                "-subj",
                "/CN=" + party.getFileName(),
                "-addext",
                "subjectAltName=IP:127.0.0.1",
                "-addext",
                "basicConstraints=critical,CA:FALSE",
                "-CA",
                authority.resolve("ca.pem").toString(),
                "-CAkey",
                authority.resolve("key.pem").toString(),
                "-keyout",
                "key.pem",
                "-out",
                "cert.pem");
    }

    private static void openssl(Path folder, String... arguments) throws IOException, InterruptedException {
        List<String> command = Stream.concat(
                        Stream.of("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
                        Stream.of(arguments))
                .toList();
        said(new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true));
    }

    private static String said(ProcessBuilder builder) throws IOException, InterruptedException {
        Process process = builder.start();
        process.getOutputStream().close();
        String said = process.inputReader().readAllAsString();
        if (process.waitFor() != 0) {
            throw new IllegalStateException(String.join(" ", builder.command()) + " failed: " + said);
        }
        return said;
    }

    private static boolean isOnPath(String program) {
        return Stream.of(System.getenv("PATH").split(":", -1))
                .anyMatch(folder -> Files.isExecutable(Path.of(folder, program)));
    }

    /** Ends it and removes all that it kept. */
    void end() throws Exception {
        engine.destroy();
        if (!engine.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            engine.destroyForcibly().waitFor();
        }
        said(new ProcessBuilder("sh", "-c", UNMOUNT, "clean-up", directory.toString()).redirectErrorStream(true));
    }
}

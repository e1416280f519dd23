package dev.skerry.cli.stack;

import dev.skerry.cli.ExitCode;
import dev.skerry.cli.Failure;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * A stack in a process of its own that ends with this one, because it reads the other end of a pipe that this one holds open.
 *
 * <p>It is in a session of its own, so that Ctrl-C reaches only this process.
 */
public final class AttachedStack implements AutoCloseable {
    private static final long PATIENCE_SECONDS = 60;

    private final Process process;
    private boolean kept;

    private AttachedStack(Process process) {
        this.process = process;
    }

    /**
     * Starts {@code skerry up} and waits until it is ready.
     *
     * @param ready how the line begins that says so
     * @throws Failure with what the stack said when it does not come up
     */
    public static AttachedStack start(List<String> arguments, String ready, Consumer<String> tell) {
        List<String> command = new ArrayList<>();
        Path setsid = Path.of("/usr/bin/setsid");
        if (Files.isExecutable(setsid)) {
            command.add(setsid.toString());
        }
        command.add(System.getProperty("skerry.launcher", "skerry"));
        command.add("up");
        command.addAll(arguments);
        try {
            Process process = new ProcessBuilder(command).start();
            AttachedStack stack = new AttachedStack(process);
            stack.awaitReady(ready, tell);
            return stack;
        } catch (IOException e) {
            throw new Failure(
                    ExitCode.NO_STACK, "The stack cannot be started: " + e.getMessage(), "Try `skerry up`.", e);
        }
    }

    private void awaitReady(String ready, Consumer<String> tell) throws IOException {
        BufferedReader said =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        String line = said.readLine();
        while (line != null && !line.startsWith(ready)) {
            tell.accept(line);
            line = said.readLine();
        }
        if (line == null) {
            throw complaint();
        }
        Thread.ofVirtual().start(() -> drain(said));
    }

    private Failure complaint() throws IOException {
        List<String> lines = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8)
                .lines()
                .filter(line -> !line.startsWith("WARNING:"))
                .toList();
        String sentence = lines.isEmpty() ? "The stack ended while it was starting." : lines.getFirst();
        String advice = lines.size() < 2 ? "Run `skerry doctor`." : lines.get(1).strip();
        return new Failure(ExitCode.NO_STACK, sentence.replaceFirst("^skerry: ", ""), advice);
    }

    private static void drain(BufferedReader said) {
        try {
            while (said.readLine() != null) {
                Thread.onSpinWait();
            }
        } catch (IOException e) {
            return;
        }
    }

    /** Lets it run on after this process; {@code word} is what it waits to hear. */
    public void keep(String word) {
        try {
            process.getOutputStream().write((word + "\n").getBytes(StandardCharsets.UTF_8));
            process.getOutputStream().flush();
            kept = true;
        } catch (IOException e) {
            throw new Failure(ExitCode.NO_STACK, "The stack has ended.", "Look at its log.", e);
        }
    }

    @Override
    public void close() {
        if (kept) {
            return;
        }
        try {
            process.getOutputStream().close();
            if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                process.destroy();
            }
        } catch (IOException e) {
            process.destroy();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}

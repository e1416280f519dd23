package dev.skerry.cli.command;

import dev.skerry.cli.Home;
import dev.skerry.cli.stack.Stack;
import dev.skerry.cli.stack.StackFile;
import dev.skerry.cli.terminal.Interrupts;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Runs every role on this machine until it is interrupted. */
@Command(
        name = "up",
        description = "Starts every part of Skerry on this machine and runs until Ctrl-C or `skerry down`.",
        mixinStandardHelpOptions = true)
public final class UpCommand implements Callable<Integer> {
    static final String READY = "ready ";
    static final String KEEP = "keep";

    @Mixin
    private StackOptions options = new StackOptions();

    @Option(
            names = "--attached",
            hidden = true,
            description = "Ends at the end of standard input, unless it says keep.")
    private boolean attached;

    @Override
    public Integer call() throws InterruptedException {
        Home home = Home.of(System.getenv());
        home.create();
        System.setProperty("org.springframework.boot.logging.LoggingSystem", "none");
        System.setProperty("skerry.log", home.log().toString());
        System.setProperty("logback.configurationFile", "logback-stack.xml");
        CountDownLatch end = new CountDownLatch(1);
        Interrupts.handle(_ -> end.countDown());
        if (attached) {
            Thread.ofVirtual().start(() -> endWithInput(end));
        }
        try (Stack _ = Stack.start(home, options.stack(), UpCommand::tell)) {
            StackFile stack = StackFile.read(home).orElseThrow();
            if (attached) {
                tell(READY + stack.apiUrl());
            } else {
                describe(stack);
            }
            end.await();
            tell("Stopping ...");
        }
        tell("Everything is stopped.");
        return 0;
    }

    private static void describe(StackFile stack) {
        tell("");
        tell("API          " + stack.apiUrl());
        tell("Temporal UI  " + (stack.temporalUi() == null ? "none" : stack.temporalUi()));
        tell("Sandboxes    " + stack.isolation());
        if (!stack.durable()) {
            tell("Not durable: sessions are lost when this ends.");
        }
        tell("Try: skerry run \"Write a haiku about lighthouses into haiku.txt and show me the file\"");
        tell("Ctrl-C stops everything.");
    }

    private static void endWithInput(CountDownLatch end) {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try {
            String line = input.readLine();
            if (KEEP.equals(line)) {
                return;
            }
        } catch (IOException e) {
            tell("The command that started this stack is gone.");
        }
        end.countDown();
    }

    private static synchronized void tell(String line) {
        System.out.println(line);
        System.out.flush();
    }
}

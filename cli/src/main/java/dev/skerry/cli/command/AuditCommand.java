package dev.skerry.cli.command;

import dev.skerry.cli.ExitCode;
import dev.skerry.cli.Failure;
import dev.skerry.cli.client.ApiClient;
import dev.skerry.cli.terminal.Terminal;
import dev.skerry.store.Audit;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/** Reads the audit log and checks its hashes on this machine. */
@Command(name = "audit", description = "Shows and verifies the audit log.", mixinStandardHelpOptions = true)
public final class AuditCommand {
    AuditCommand() {}

    private record Chain(String name, long seq, String hash) {}

    @Command(
            description = {
                "Computes every hash anew. Exit code 1 and the first entry that does not fit when something was changed.",
                "Keep the printed hashes elsewhere: together with them nothing can be cut off the end unnoticed either."
            },
            mixinStandardHelpOptions = true)
    int verify(
            @Parameters(
                            arity = "0..1",
                            paramLabel = "SESSION",
                            description = "One session, tenant:ID or platform; everything by default.")
                    @Nullable
                    String session) {
        ApiClient operator = new Connection().operator();
        List<Chain> chains = chains(operator).stream()
                .filter(chain -> session == null || session.equals(chain.name()))
                .toList();
        if (session != null && chains.isEmpty()) {
            throw unknown(session);
        }
        boolean whole = true;
        for (Chain chain : chains) {
            Optional<String> fault = fault(operator, chain);
            System.out.printf(
                    "%-8s  %-40s  %8d  %s%n",
                    fault.isEmpty() ? "whole" : "BROKEN", chain.name(), chain.seq(), fault.orElse(chain.hash()));
            whole &= fault.isEmpty();
        }
        return whole ? ExitCode.OK.code() : ExitCode.TURN_FAILED.code();
    }

    @Command(
            description = "Prints the entries of a session, of tenant:ID or of the platform.",
            mixinStandardHelpOptions = true)
    int show(
            @Parameters(paramLabel = "SESSION") String session,
            @Option(names = "--after", defaultValue = "0") long after) {
        ApiClient operator = new Connection().operator();
        long last = after;
        List<JsonNode> page = page(operator, session, last);
        if (page.isEmpty() && after == 0) {
            throw unknown(session);
        }
        while (!page.isEmpty()) {
            for (JsonNode line : page) {
                last = line.path("seq").asLong();
                System.out.printf(
                        "%6d  %-24s  %s%n",
                        last,
                        line.path("kind").asString(""),
                        Terminal.clean(line.path("data").asString("")));
            }
            page = page(operator, session, last);
        }
        return ExitCode.OK.code();
    }

    private static Failure unknown(String chain) {
        return new Failure(
                ExitCode.REFUSED,
                "The audit log has no entries of " + Terminal.oneLine(chain, 100) + ".",
                "Name a session's id, tenant:ID or platform; `skerry audit verify` lists them all.");
    }

    private static List<Chain> chains(ApiClient operator) {
        List<Chain> chains = new ArrayList<>();
        String after = "";
        while (true) {
            JsonNode data = operator.get("audit/chains?after=" + encoded(after)).path("data");
            if (data.isEmpty()) {
                return chains;
            }
            for (JsonNode each : data) {
                after = each.path("chain").asString("");
                chains.add(new Chain(
                        after, each.path("seq").asLong(), each.path("hash").asString("")));
            }
        }
    }

    private static Optional<String> fault(ApiClient operator, Chain chain) {
        byte[] before = Audit.genesis(chain.name());
        long seq = 0;
        while (seq < chain.seq()) {
            List<JsonNode> page = page(operator, chain.name(), seq);
            if (page.isEmpty()) {
                return Optional.of("ends at entry " + seq);
            }
            for (JsonNode line : page) {
                seq++;
                byte[] hash = Audit.hash(
                        before,
                        seq,
                        line.path("at_micros").asLong(),
                        line.path("kind").asString(""),
                        line.path("data").asString(""));
                String text = HexFormat.of().formatHex(hash);
                if (line.path("seq").asLong() != seq
                        || !text.equals(line.path("hash").asString(""))) {
                    return Optional.of("entry " + seq + " does not fit the one before");
                }
                if (seq == chain.seq() && !text.equals(chain.hash())) {
                    return Optional.of("entry " + seq + " is not the last that was written");
                }
                before = hash;
            }
        }
        return Optional.empty();
    }

    private static List<JsonNode> page(ApiClient operator, String chain, long after) {
        return operator.get("audit/entries?chain=" + encoded(chain) + "&after=" + after)
                .path("data")
                .valueStream()
                .toList();
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}

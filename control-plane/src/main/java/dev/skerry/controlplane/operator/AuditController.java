package dev.skerry.controlplane.operator;

import dev.skerry.store.Audit;
import dev.skerry.store.Audit.Entry;
import dev.skerry.store.Audit.Head;
import java.util.HexFormat;
import java.util.List;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** Shows the audit log as it is stored, for whoever verifies it. */
@RestController
class AuditController {
    private static final int MOST = 1000;

    private final Audit audit;

    AuditController(Audit audit) {
        this.audit = audit;
    }

    record Line(long seq, long atMicros, String kind, String data, String hash) {
        static Line of(Entry entry) {
            return new Line(
                    entry.seq(),
                    entry.atMicros(),
                    entry.kind(),
                    entry.data(),
                    HexFormat.of().formatHex(entry.hash()));
        }
    }

    record Chain(String chain, long seq, String hash) {
        static Chain of(Head head) {
            return new Chain(head.chain(), head.seq(), HexFormat.of().formatHex(head.hash()));
        }
    }

    record Chains(List<Chain> data) {}

    record Lines(List<Line> data) {}

    @GetMapping("/internal/v1/operator/audit/chains")
    Chains chains(@RequestParam(defaultValue = "") String after) {
        return new Chains(audit.heads(after, MOST).stream().map(Chain::of).toList());
    }

    @GetMapping("/internal/v1/operator/audit/entries")
    Lines entries(@RequestParam String chain, @RequestParam(defaultValue = "0") long after) {
        return new Lines(audit.list(chain, after, MOST).stream().map(Line::of).toList());
    }
}

package dev.skerry.testing;

import java.util.List;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Assumptions;

/** Skips a test whose server is absent, or fails it when {@code -Dskerry.require} names that server. */
public final class Required {
    private Required() {}

    /** Goes on only when {@code present}; {@code reason} is printed with the skip or the failure. */
    public static void server(String name, boolean present, String reason) {
        if (present) {
            return;
        }
        if (List.of(System.getProperty("skerry.require", "").split(",")).contains(name)) {
            Assertions.fail("-Dskerry.require names " + name + ", but " + reason);
        }
        System.out.println("SKIPPED (" + name + "): " + reason);
        Assumptions.abort(reason);
    }
}

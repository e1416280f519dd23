package dev.skerry.activities.docker;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Tags as labels of the engine, and back. */
final class Labels {
    private static final String PREFIX = "dev.skerry.";
    static final String SESSION = PREFIX + "session";

    private static final String MARK = "dev.skerry";
    private static final String ROLE = "dev.skerry.role";

    private Labels() {}

    static Map<String, String> of(List<String> tags) {
        Map<String, String> labels = new LinkedHashMap<>();
        for (String tag : tags) {
            int at = tag.indexOf('=');
            labels.put(
                    at < 0 ? (tag.equals("skerry") ? MARK : PREFIX + tag) : PREFIX + tag.substring(0, at),
                    at < 0 ? "" : tag.substring(at + 1));
        }
        return labels;
    }

    static List<String> tags(@Nullable Map<String, String> labels) {
        List<String> tags = new ArrayList<>();
        if (labels != null) {
            labels.forEach((name, value) -> {
                if (name.equals(MARK)) {
                    tags.add("skerry");
                } else if (name.startsWith(PREFIX) && !name.equals(ROLE)) {
                    tags.add(name.substring(PREFIX.length()) + (value.isEmpty() ? "" : "=" + value));
                }
            });
        }
        return tags;
    }

    /** What is not a sandbox but belongs to all of an installation, such as the door. */
    static Map<String, String> shared(String installation, String role) {
        return Map.of(MARK, "", PREFIX + "shared-by", installation, ROLE, role);
    }

    static String installation(String installation) {
        return PREFIX + "installation=" + installation;
    }
}

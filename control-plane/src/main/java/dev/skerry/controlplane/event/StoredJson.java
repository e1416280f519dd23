package dev.skerry.controlplane.event;

import java.util.regex.Pattern;
import org.springframework.stereotype.Component;
import tools.jackson.databind.json.JsonMapper;

/** Writes JSON that Postgres can hold: it has no NUL character, which text from outside may have. */
@Component
public class StoredJson {
    private static final Pattern NUL = Pattern.compile("(?<!\\\\)((?:\\\\\\\\)*)\\\\u0000");

    private final JsonMapper json;

    StoredJson(JsonMapper json) {
        this.json = json;
    }

    public String of(Object value) {
        String text = json.writeValueAsString(value);
        return text.contains("\\u0000") ? NUL.matcher(text).replaceAll("$1\uFFFD") : text;
    }
}

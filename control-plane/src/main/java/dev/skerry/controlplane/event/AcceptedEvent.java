package dev.skerry.controlplane.event;

import dev.skerry.controlplane.problem.RefusedException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** An event of a type that sandboxes may send, with its documented fields and nothing else, its texts cut to size. */
record AcceptedEvent(long seq, String type, @Nullable String turn, Map<String, @Nullable Object> data) {
    private static final Map<String, List<Field>> FIELDS = Map.of(
            "tool.started", List.of(Field.line("call"), Field.line("name"), Field.line("title")),
            "tool.output", List.of(Field.line("call"), Field.text("text")),
            "tool.finished",
                    List.of(
                            Field.line("call"),
                            Field.line("name"),
                            Field.flag("is_error"),
                            Field.number("duration_ms"),
                            Field.line("summary")),
            "file.changed",
                    List.of(
                            Field.line("path"),
                            Field.number("size"),
                            Field.one("change", "created", "modified", "deleted")),
            "sandbox.log", List.of(Field.one("level", "debug", "info", "warning", "error"), Field.text("text")));
    private static final Pattern TURN = Pattern.compile("trn_[0-9A-Z]{26}");

    static AcceptedEvent of(@Nullable ReportedEvent event) {
        if (event == null || event.seq() == null || event.seq() < 1 || event.type() == null) {
            throw RefusedException.invalid("An event needs a seq that counts up from 1, and a type.");
        }
        List<Field> fields = FIELDS.get(event.type());
        if (fields == null) {
            throw RefusedException.invalid("A sandbox may send events of these types: "
                    + FIELDS.keySet().stream().sorted().toList() + ".");
        }
        Map<String, @Nullable Object> given = event.data() == null ? Map.of() : event.data();
        Map<String, @Nullable Object> data = new LinkedHashMap<>();
        fields.forEach(field -> data.put(field.name(), field.kind().read(field.name(), given.get(field.name()))));
        return new AcceptedEvent(event.seq(), event.type(), turn(given.get("turn")), data);
    }

    private static @Nullable String turn(@Nullable Object turn) {
        if (turn == null) {
            return null;
        }
        if (turn instanceof String id && TURN.matcher(id).matches()) {
            return id;
        }
        throw RefusedException.invalid("turn must be a turn's id.");
    }

    private record Field(String name, Kind kind) {
        private static final int LONGEST_LINE = 1024;
        private static final int LONGEST_TEXT = 16 * 1024;

        static Field line(String name) {
            return new Field(name, (field, value) -> text(field, value, LONGEST_LINE));
        }

        static Field text(String name) {
            return new Field(name, (field, value) -> text(field, value, LONGEST_TEXT));
        }

        static Field number(String name) {
            return new Field(name, (field, value) -> {
                if (value == null || value instanceof Integer || value instanceof Long) {
                    return value;
                }
                throw RefusedException.invalid(field + " must be a whole number.");
            });
        }

        static Field flag(String name) {
            return new Field(name, (field, value) -> {
                if (value == null || value instanceof Boolean) {
                    return value;
                }
                throw RefusedException.invalid(field + " must be true or false.");
            });
        }

        static Field one(String name, String... known) {
            return new Field(name, (field, value) -> {
                if (List.of(known).contains(value)) {
                    return value;
                }
                throw RefusedException.invalid(field + " must be one of " + String.join(", ", known) + ".");
            });
        }

        private static @Nullable Object text(String field, @Nullable Object value, int longest) {
            if (value == null) {
                return null;
            }
            if (!(value instanceof String text)) {
                throw RefusedException.invalid(field + " must be text.");
            }
            return StoredText.of(text, longest);
        }
    }

    private interface Kind {
        @Nullable
        Object read(String field, @Nullable Object value);
    }
}

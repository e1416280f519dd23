package dev.skerry.controlplane.llm;

/** A value that does not print; asked for anew at each use, since it may be replaced meanwhile. */
public interface Secret {
    String value();

    /** What a person has to correct when it is refused. */
    default String where(String otherwise) {
        return otherwise;
    }

    /** One that stays as it is. */
    static Secret of(String value) {
        return new Fixed(value);
    }

    /** A value that is known from the start. */
    record Fixed(String value) implements Secret {
        @Override
        public String toString() {
            return "***";
        }
    }
}

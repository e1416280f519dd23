package dev.skerry.api.problem;

import java.util.ArrayList;
import java.util.List;

/** Collects everything that is wrong with a request, so that a person corrects it once. */
public final class Violations {
    private final List<FieldError> errors = new ArrayList<>();

    public void add(String field, String message) {
        errors.add(new FieldError(field, message));
    }

    /** Throws when anything was added. */
    public void check() {
        if (!errors.isEmpty()) {
            throw ApiException.invalid(List.copyOf(errors));
        }
    }
}

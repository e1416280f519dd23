package dev.skerry.api.problem;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;

/**
 * An error as it travels, after RFC 9457.
 *
 * @param code stable, for programs
 * @param errors what is wrong with which field, left out when empty
 */
record Problem(
        String type,
        String title,
        int status,
        String detail,
        String code,
        String requestId,
        @JsonInclude(JsonInclude.Include.NON_EMPTY) List<FieldError> errors) {}

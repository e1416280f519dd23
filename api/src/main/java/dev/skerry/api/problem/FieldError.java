package dev.skerry.api.problem;

/**
 * What is wrong with one field of a request.
 *
 * @param field its path, such as {@code budget.max_cost_usd}
 * @param message one sentence for people
 */
public record FieldError(String field, String message) {}

package dev.skerry.api.workflow;

import dev.skerry.api.problem.ApiException;
import dev.skerry.api.problem.ProblemCode;
import dev.skerry.api.problem.ProblemWriter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;

/** What each failure to steer means to the caller. */
@RestControllerAdvice
@Order(Ordered.HIGHEST_PRECEDENCE)
class SteeringProblems {
    private final ProblemWriter problems;

    SteeringProblems(ProblemWriter problems) {
        this.problems = problems;
    }

    @ExceptionHandler
    void handle(SteeringException failure, HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        problems.write(request, response, translate(failure));
    }

    private static ApiException translate(SteeringException failure) {
        return switch (failure) {
            case SteeringException.Away ignored ->
                new ApiException(
                        ProblemCode.UNAVAILABLE, "Temporal or its workers do not answer. Try again in a few seconds.");
            case SteeringException.Gone ignored -> ApiException.sessionEnded();
            case SteeringException.Busy ignored -> ApiException.tooManyWaiting();
            case SteeringException.Refused ignored -> ApiException.sessionEnded();
        };
    }
}

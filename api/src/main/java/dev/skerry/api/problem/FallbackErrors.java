package dev.skerry.api.problem;

import jakarta.servlet.RequestDispatcher;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.springframework.boot.webmvc.error.ErrorController;
import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.RequestMapping;

/** Answers what fails before any controller is reached, in the same form and as silently. */
@Controller
class FallbackErrors implements ErrorController {
    private final ProblemWriter problems;

    FallbackErrors(ProblemWriter problems) {
        this.problems = problems;
    }

    @RequestMapping("${server.error.path:${error.path:/error}}")
    void error(HttpServletRequest request, HttpServletResponse response) throws IOException {
        int status = request.getAttribute(RequestDispatcher.ERROR_STATUS_CODE) instanceof Integer code ? code : 404;
        problems.write(request, response, describe(status));
    }

    private static ApiException describe(int status) {
        if (status == 404) {
            return new ApiException(ProblemCode.NOT_FOUND, "There is nothing at this path.");
        }
        return status < 500
                ? new ApiException(ProblemCode.INVALID_REQUEST, "The request cannot be understood.")
                : new ApiException(
                        ProblemCode.INTERNAL,
                        "Something went wrong here. Tell the operator the request id; the log has more.");
    }
}

using System.Text.Json.Nodes;

namespace Agora.Cli.Serving;

/// <summary>A request that is refused, in the form in which OpenAI's clients expect it.</summary>
/// <param name="parameter">The request's member that is at fault, where there is one.</param>
/// <param name="code">For programs, where there is one.</param>
internal sealed class ApiFault(int status, string message, string? parameter = null, string? code = null) : Exception(message)
{
    public int Status { get; } = status;

    public static ApiFault Invalid(string parameter, string rule, string? code = null) => new(400, $"{parameter} {rule}", parameter, code);

    public JsonObject ToJson() => new()
    {
        ["error"] = new JsonObject
        {
            ["message"] = Message,
            ["type"] = Status switch { 429 => "rate_limit_error", >= 500 => "server_error", _ => "invalid_request_error" },
            ["param"] = parameter,
            ["code"] = code,
        },
    };
}

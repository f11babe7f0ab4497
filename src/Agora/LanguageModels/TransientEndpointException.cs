namespace Agora.LanguageModels;

/// <summary>How a request can fail that may pass next time.</summary>
public enum EndpointFault
{
    /// <summary>429: the endpoint takes no more for now. Nothing was computed.</summary>
    RateLimited,
    /// <summary>5xx and their like. Nothing was computed.</summary>
    ServerError,
    /// <summary>No connection came about.</summary>
    Unreachable,
    /// <summary>No answer came in time; the endpoint may have computed one, and charge for it.</summary>
    TimedOut,
    /// <summary>The connection broke before the answer was whole; it may be charged.</summary>
    ConnectionBroke,
    /// <summary>The answer could not be read; it may be charged.</summary>
    Unreadable,
}

public static class EndpointFaults
{
    /// <summary>Whether the endpoint may charge for a request that failed so: nobody can know, and a hard limit assumes it does.</summary>
    public static bool MayBeCharged(this EndpointFault fault) => fault is EndpointFault.TimedOut or EndpointFault.ConnectionBroke or EndpointFault.Unreadable;

    /// <summary>Whether the fault is the endpoint's state rather than this one request's: then asking others of it helps no more.</summary>
    public static bool IsOfTheEndpoint(this EndpointFault fault) => fault is not EndpointFault.Unreadable;

    /// <summary>As bills and journals call it.</summary>
    public static string Name(this EndpointFault fault) => fault switch
    {
        EndpointFault.RateLimited => "rate_limited",
        EndpointFault.ServerError => "server_error",
        EndpointFault.Unreachable => "unreachable",
        EndpointFault.TimedOut => "timed_out",
        EndpointFault.ConnectionBroke => "connection_broke",
        EndpointFault.Unreadable => "unreadable",
        _ => throw new ArgumentOutOfRangeException(nameof(fault), fault, null),
    };
}

/// <summary>A request failed in a way that may pass next time: too many requests, a server's fault, a timeout, a broken connection, an unreadable body.</summary>
/// <param name="retryAfter">How long the endpoint asks to wait, where it says so.</param>
public sealed class TransientEndpointException(string message, EndpointFault fault, TimeSpan? retryAfter = null, Exception? cause = null) : Exception(message, cause)
{
    public EndpointFault Fault { get; } = fault;
    public TimeSpan? RetryAfter { get; } = retryAfter;
}

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
    /// <summary>The batch's time was over before the request's turn came. Nothing was computed.</summary>
    BatchExpired,
    /// <summary>The batch was cancelled before the request's turn came. Nothing was computed.</summary>
    BatchCancelled,
    /// <summary>The provider did not begin with the batch. Nothing was computed.</summary>
    BatchRefused,
    /// <summary>The provider does not know the batch any more, nor its answers; they may be charged.</summary>
    BatchLost,
}

public static class EndpointFaults
{
    /// <summary>Whether the endpoint may charge for a request that failed so: nobody can know, and a hard limit assumes it does.</summary>
    public static bool MayBeCharged(this EndpointFault fault) => fault is EndpointFault.TimedOut or EndpointFault.ConnectionBroke or EndpointFault.Unreadable or EndpointFault.BatchLost;

    /// <summary>Whether the fault is the endpoint's state rather than this one request's: then asking others of it helps no more.</summary>
    public static bool IsOfTheEndpoint(this EndpointFault fault) => fault is EndpointFault.RateLimited or EndpointFault.ServerError or EndpointFault.Unreachable or EndpointFault.TimedOut or EndpointFault.ConnectionBroke;

    /// <summary>As bills and journals call it.</summary>
    public static string Name(this EndpointFault fault) => fault switch
    {
        EndpointFault.RateLimited => "rate_limited",
        EndpointFault.ServerError => "server_error",
        EndpointFault.Unreachable => "unreachable",
        EndpointFault.TimedOut => "timed_out",
        EndpointFault.ConnectionBroke => "connection_broke",
        EndpointFault.Unreadable => "unreadable",
        EndpointFault.BatchExpired => "batch_expired",
        EndpointFault.BatchCancelled => "batch_cancelled",
        EndpointFault.BatchRefused => "batch_refused",
        EndpointFault.BatchLost => "batch_lost",
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

namespace Agora.LanguageModels;

/// <summary>A request failed in a way that may pass next time: too many requests, a server's fault, a timeout, a broken connection, an unreadable body.</summary>
/// <param name="retryAfter">How long the endpoint asks to wait, where it says so.</param>
/// <param name="connected">False where no connection came about at all.</param>
public sealed class TransientEndpointException(string message, TimeSpan? retryAfter, bool connected, Exception? cause = null) : Exception(message, cause)
{
    public TimeSpan? RetryAfter { get; } = retryAfter;
    public bool Connected { get; } = connected;
}

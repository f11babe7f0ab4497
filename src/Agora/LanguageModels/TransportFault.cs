using System.Net.Sockets;
using System.Text.Json;

namespace Agora.LanguageModels;

/// <summary>What went wrong below an SDK: it hands on sockets, time-outs, bodies that break off or are no JSON as they come.</summary>
internal readonly record struct TransportFault(string Message, EndpointFault Fault)
{
    /// <returns>Null where it is none of them.</returns>
    public static TransportFault? Of(Exception fault)
    {
        for (Exception? cause = fault; cause is not null; cause = cause.InnerException)
        {
            switch (cause)
            {
                // A connection that stood and was reset had carried the request.
                case SocketException { SocketErrorCode: SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown } broken:
                    return new($"the connection broke: {broken.Message}", EndpointFault.ConnectionBroke);
                case SocketException socket:
                    return new(socket.Message, EndpointFault.Unreachable);
                case HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError or HttpRequestError.SecureConnectionError } http:
                    return new(http.Message, EndpointFault.Unreachable);
                case HttpRequestException or IOException when cause.InnerException is null or not SocketException:
                    return new($"the connection broke: {cause.Message}", EndpointFault.ConnectionBroke);
                case OperationCanceledException or TimeoutException:
                    return new("no answer came in time", EndpointFault.TimedOut);
                case JsonException or InvalidOperationException or FormatException or KeyNotFoundException:
                    return new($"the answer could not be read: {cause.Message}", EndpointFault.Unreadable);
            }
        }
        return null;
    }
}

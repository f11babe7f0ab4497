using System.Net.Http.Headers;
using Agora.Experiments;

namespace Agora.SeedData.Hub;

/// <summary>The user's key to the hub. It leaves this class in one request header only: as text it is three stars.</summary>
public sealed class HubToken
{
    private readonly string secret;

    private HubToken(string secret) => this.secret = secret;

    /// <param name="text">White space around it is cut off, as editors leave a line feed in a token's file.</param>
    /// <param name="origin">Where it was found, for the error.</param>
    /// <returns>Null where there is nothing.</returns>
    /// <exception cref="AgoraException">It holds characters that no header carries; the message does not repeat it.</exception>
    public static HubToken? Of(string? text, string origin)
    {
        if (text?.Trim() is not { Length: > 0 } secret)
            return null;
        return secret.All(c => c is > ' ' and < '\x7f')
            ? new HubToken(secret)
            : throw new AgoraException("the hub's token holds a character that no token has", origin, "copy it again from https://huggingface.co/settings/tokens") { ExitCode = 2 };
    }

    internal void Authorize(HttpRequestMessage request) => request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", secret);

    /// <summary>A server's words without the token, in case it repeats what it was sent.</summary>
    internal string RemovedFrom(string text) => text.Replace(secret, "***", StringComparison.Ordinal);

    public override string ToString() => "***";
}

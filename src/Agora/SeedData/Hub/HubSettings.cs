using System.Net;
using Agora.Experiments;

namespace Agora.SeedData.Hub;

/// <summary>How the hub is reached and where its files are kept; the variables are huggingface_hub's own, so that both share one cache.</summary>
public sealed record HubSettings
{
    public required Uri Endpoint { get; init; }
    /// <summary>The endpoint as text without a slash at its end, for paths to follow.</summary>
    internal string Base => Endpoint.AbsoluteUri.TrimEnd('/');
    public HubToken? Token { get; init; }
    /// <summary>The folder that holds <c>datasets--owner--name</c>.</summary>
    public required string CacheFolder { get; init; }
    /// <summary>Ask no server; what is not in the cache is an error.</summary>
    public bool Offline { get; init; }
    /// <summary>Ranges of one file that are fetched at the same time.</summary>
    public int Connections { get; init; } = 4;
    /// <summary>A server that sends nothing for as long has gone.</summary>
    internal TimeSpan Silence { get; init; } = TimeSpan.FromSeconds(30);
    /// <summary>A server that sends as fast as this needs no second connection: the checksum would not keep up with two.</summary>
    internal double FastBytesPerSecond { get; init; } = 256 << 20;

    /// <param name="variable">The value of an environment variable, null where it is not set.</param>
    /// <exception cref="AgoraException">A value cannot be meant.</exception>
    public static HubSettings FromEnvironment(Func<string, string?> variable)
    {
        string? Given(string name) => variable(name) is { Length: > 0 } value ? value : null;
        var user = Given("HOME") ?? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        var home = Given("HF_HOME") is { } chosen ? Expanded(chosen, user) : Path.Combine(Given("XDG_CACHE_HOME") ?? Path.Combine(user, ".cache"), "huggingface");
        var endpoint = EndpointOf(Given("HF_ENDPOINT") ?? "https://huggingface.co");
        var token = TokenOf(Given, home, user);
        if (token is not null && endpoint.Scheme == Uri.UriSchemeHttp && !IsThisMachine(endpoint))
            throw new AgoraException("the token would travel unencrypted", $"HF_ENDPOINT={endpoint}", "give an https address, or unset HF_TOKEN if the mirror needs none") { ExitCode = 2 };
        return new HubSettings
        {
            Endpoint = endpoint,
            Token = token,
            CacheFolder = Path.GetFullPath(Given("HF_HUB_CACHE") is { } cache ? Expanded(cache, user) : Path.Combine(home, "hub")),
            Offline = IsTrue(Given("HF_HUB_OFFLINE")),
        };
    }

    private static Uri EndpointOf(string text) =>
        Uri.TryCreate(text.TrimEnd('/'), UriKind.Absolute, out var address) && address.Scheme is "http" or "https" && address is { UserInfo: "", Query: "", Fragment: "" }
            ? address
            : throw new AgoraException("this is not the address of a hub", "HF_ENDPOINT", "write it like https://huggingface.co, without user name, password or query") { ExitCode = 2 };

    private static HubToken? TokenOf(Func<string, string?> given, string home, string user)
    {
        if (given("HF_TOKEN") is { } own)
            return HubToken.Of(own, "HF_TOKEN");
        if (IsTrue(given("HF_HUB_DISABLE_IMPLICIT_TOKEN")))
            return null;
        var file = given("HF_TOKEN_PATH") is { } path ? Expanded(path, user) : Path.Combine(home, "token");
        try
        {
            return File.Exists(file) ? HubToken.Of(File.ReadAllText(file), file) : null;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new AgoraException("the hub's token cannot be read", file, "mend the file's rights, or set HF_TOKEN", fault) { ExitCode = 2 };
        }
    }

    private static string Expanded(string path, string user) => path == "~" || path.StartsWith("~/", StringComparison.Ordinal) ? user + path[1..] : path;

    private static bool IsTrue(string? text) => text?.ToUpperInvariant() is "1" or "ON" or "YES" or "TRUE";

    private static bool IsThisMachine(Uri address) => address.IsLoopback || (IPAddress.TryParse(address.Host, out var number) && IPAddress.IsLoopback(number));
}

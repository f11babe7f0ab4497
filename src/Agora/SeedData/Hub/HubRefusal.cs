using System.Net;
using Agora.Experiments;

namespace Agora.SeedData.Hub;

/// <summary>What the hub means when it refuses: the person at the terminal can accept terms, set a token or correct a name.</summary>
/// <remarks>The hub tells cases apart by its header X-Error-Code; a private dataset and one that is not there look alike to a stranger.</remarks>
internal static class HubRefusal
{
    private const int LongestQuote = 200;

    public static AgoraException Of(HttpResponseMessage response, HubAddress address, HubSettings settings)
    {
        var page = $"{settings.Base}/datasets/{address.Repository}";
        var repository = $"{HubAddress.Scheme}datasets/{address.Repository}";
        return (Header(response, "X-Error-Code"), response.StatusCode) switch
        {
            ("GatedRepo", _) when settings.Token is null => Fault("the dataset is gated: its owner asks users to accept terms", repository,
                $"accept them at {page}, make a token at {settings.Base}/settings/tokens and set HF_TOKEN"),
            ("GatedRepo", _) => Fault("the dataset is gated, and the token's owner has not been let in", repository, $"accept the terms at {page} with the account that the token belongs to"),
            ("RevisionNotFound", _) => Fault($"the dataset has no revision \"{address.Revision}\"", repository, $"choose a branch, tag or commit listed at {page}"),
            ("EntryNotFound", _) => Fault("the dataset has no such file", address.ToString(), $"\"agora data info {address with { Path = "" }}\" lists its files"),
            ("RepoNotFound", _) or (_, HttpStatusCode.Unauthorized) when settings.Token is not null => Fault("there is no such dataset, or the token does not open it", repository,
                "correct the name, or set HF_TOKEN to a token that is valid and may read it"),
            ("RepoNotFound", _) or (_, HttpStatusCode.Unauthorized) => Fault("there is no such dataset, or it is private", repository, "correct the name, or set HF_TOKEN if it is private"),
            (_, HttpStatusCode.Forbidden) => Fault($"the hub forbids it{Words(response, settings)}", address.ToString(), $"see {page}; the account or token may lack the right"),
            (_, HttpStatusCode.NotFound) => Fault("the hub knows no such dataset, revision or file", address.ToString(), $"see {page}"),
            (_, HttpStatusCode.UnavailableForLegalReasons) or ("DisabledRepo", _) => Fault("the hub has withdrawn this dataset", repository, "give a copy of your own that you may use: a path, or another id"),
            _ => Fault($"the hub answers with status {(int)response.StatusCode}{Words(response, settings)}", address.ToString(), $"see {page}, and check HF_ENDPOINT"),
        };
    }

    // A server's words are shown short, on one line, and without the token.
    private static string Words(HttpResponseMessage response, HubSettings settings)
    {
        if (Header(response, "X-Error-Message") is not { } said)
            return "";
        var plain = new string([.. said.Select(c => char.IsControl(c) ? ' ' : c).Take(LongestQuote)]);
        return $": {settings.Token?.RemovedFrom(plain) ?? plain}";
    }

    private static string? Header(HttpResponseMessage response, string name) => response.Headers.TryGetValues(name, out var values) ? values.First() : null;

    private static AgoraException Fault(string what, string where, string fix) => new(what, where, fix);
}

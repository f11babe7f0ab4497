using Agora.Experiments;
using Agora.SeedData.Hub;
using Agora.Tests.Runs;

namespace Agora.Tests.SeedData.Hub;

public sealed class HubSettingsTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void The_cache_is_the_hubs_own() => Assert.Equal("/home/me/.cache/huggingface/hub", Settings(("HOME", "/home/me")).CacheFolder);

    [Theory]
    [InlineData("HF_HOME", "/big", "/big/hub")]
    [InlineData("HF_HUB_CACHE", "/big", "/big")]
    [InlineData("XDG_CACHE_HOME", "/big", "/big/huggingface/hub")]
    [InlineData("HF_HUB_CACHE", "~/big", "/home/me/big")]
    public void Each_of_the_hubs_variables_moves_the_cache(string name, string value, string expected) => Assert.Equal(expected, Settings(("HOME", "/home/me"), (name, value)).CacheFolder);

    [Theory]
    [InlineData("1", true)]
    [InlineData("true", true)]
    [InlineData("0", false)]
    [InlineData("", false)]
    public void Offline_is_asked_for_in_the_hubs_words(string value, bool offline) => Assert.Equal(offline, Settings(("HOME", "/h"), ("HF_HUB_OFFLINE", value)).Offline);

    [Fact]
    public void Another_endpoint_may_be_named() => Assert.Equal(new Uri("https://mirror.example/hub"), Settings(("HOME", "/h"), ("HF_ENDPOINT", "https://mirror.example/hub/")).Endpoint);

    [Theory]
    [InlineData("ftp://x")]
    [InlineData("nonsense")]
    [InlineData("https://user:secret@x")]
    public void An_endpoint_that_is_no_hub_is_refused(string value) => Assert.Equal(2, Assert.Throws<AgoraException>(() => Settings(("HOME", "/h"), ("HF_ENDPOINT", value))).ExitCode);

    [Fact]
    public void The_token_comes_from_the_variable_or_from_the_file_that_a_login_leaves()
    {
        Directory.CreateDirectory(folder["hf"]);
        File.WriteAllText(folder["hf/token"], "hf_fromfile\n");
        Assert.NotNull(Settings(("HOME", folder.Path), ("HF_HOME", folder["hf"])).Token);
        Assert.Null(Settings(("HOME", folder.Path), ("HF_HOME", folder["hf"]), ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")).Token);
        Assert.NotNull(Settings(("HOME", "/h"), ("HF_TOKEN", "hf_secret")).Token);
        Assert.Null(Settings(("HOME", folder["nowhere"])).Token);
    }

    [Fact]
    public void A_token_is_never_text()
    {
        var settings = Settings(("HOME", "/h"), ("HF_TOKEN", "hf_secret"));
        Assert.DoesNotContain("hf_secret", settings.ToString(), StringComparison.Ordinal);
        var fault = Assert.Throws<AgoraException>(() => Settings(("HOME", "/h"), ("HF_TOKEN", "hf_sec\nret")));
        Assert.DoesNotContain("hf_sec", fault.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_token_does_not_travel_unencrypted() =>
        Assert.Contains("unencrypted", Assert.Throws<AgoraException>(() => Settings(("HOME", "/h"), ("HF_TOKEN", "hf_secret"), ("HF_ENDPOINT", "http://mirror.example"))).What, StringComparison.Ordinal);

    private static HubSettings Settings(params (string Name, string Value)[] variables) =>
        HubSettings.FromEnvironment(name => variables.Where(variable => variable.Name == name).Select(variable => variable.Value).FirstOrDefault());
}

using Agora.Experiments;
using Agora.SeedData.Hub;
using CsCheck;

namespace Agora.Tests.SeedData.Hub;

public sealed class HubAddressTests
{
    [Theory]
    [InlineData("hf://datasets/openai/gsm8k/main/test.parquet", "openai/gsm8k", "main", "main/test.parquet")]
    [InlineData("hf://datasets/openai/gsm8k@v1.0/a.json", "openai/gsm8k", "v1.0", "a.json")]
    [InlineData("hf://datasets/o/n@refs/convert/parquet/default/train/0000.parquet", "o/n", "refs/convert/parquet", "default/train/0000.parquet")]
    [InlineData("hf://datasets/o/n@my%2Fbranch/a.json", "o/n", "my/branch", "a.json")]
    [InlineData("hf://datasets/o/n", "o/n", "main", "")]
    public void An_address_names_dataset_revision_and_path(string text, string repository, string revision, string path)
    {
        var address = HubAddress.Parse(text);
        Assert.Equal(new HubAddress(repository, revision, path), address);
        Assert.Equal(address, HubAddress.Parse(address.ToString()));
    }

    [Theory]
    [InlineData("hf://models/o/n/a.json")]
    [InlineData("hf://datasets/alone")]
    [InlineData("hf://datasets/../n/a.json")]
    [InlineData("hf://datasets/o/../../etc/passwd")]
    [InlineData("hf://datasets/o/n/../../x.json")]
    [InlineData("hf://datasets/o/n//etc/passwd")]
    [InlineData("hf://datasets/o/n/a/./b")]
    [InlineData("hf://datasets/o/n/a\\..\\b")]
    [InlineData("hf://datasets/o/n/C:x")]
    [InlineData("hf://datasets/o/n/a\nb")]
    [InlineData("hf://datasets/o/n@../x/a.json")]
    [InlineData("hf://datasets/o/n@..%2F..%2Fx/a.json")]
    [InlineData("hf://datasets/o/n@%2Fetc/a.json")]
    [InlineData("hf://datasets/o--p/n/a.json")]
    public void What_leads_out_of_the_dataset_is_no_address(string text) => Assert.Equal(2, Assert.Throws<AgoraException>(() => HubAddress.Parse(text)).ExitCode);

    [Theory]
    [InlineData("data/train-*.parquet", "data/train-00000.parquet", true)]
    [InlineData("data/train-*.parquet", "data/train-0/x.parquet", false)]
    [InlineData("data/train-*.parquet", "data/train-0.parquet.txt", false)]
    [InlineData("**/train.json", "a/b/train.json", true)]
    [InlineData("**/train.json", "train.json", true)]
    [InlineData("a.json", "axjson", false)]
    public void A_pattern_stands_for_paths(string pattern, string path, bool matches) => Assert.Equal(matches, new HubAddress("o/n", "main", pattern).Matches(path));

    private static readonly string[] Pieces = ["..", ".", "", "a", "b.json", "/", "\\", "c:", "...", "x\0", "~", "a "];

    // Whatever a server calls its files: what is let through stays below the folder that it is put in.
    [Fact]
    public void No_accepted_path_leaves_its_folder() =>
        Gen.Int[0, Pieces.Length - 1].Select(i => Pieces[i]).Array[1, 6].Select(parts => string.Join('/', parts)).Sample(path =>
            !HubAddress.IsPath(path) || Path.GetFullPath(Path.Combine("/cache/snapshots", path)).StartsWith("/cache/snapshots/", StringComparison.Ordinal));
}

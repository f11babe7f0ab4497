using System.Text.RegularExpressions;

namespace Agora.Tests;

public sealed partial class DocumentLinksTests
{
    [Fact]
    public void Every_link_from_one_file_to_another_leads_somewhere()
    {
        var dead = new List<string>();
        var documents = Directory.GetFiles(Path.Combine(Fixtures.Checkout, "docs"), "*.md").Append(Path.Combine(Fixtures.Checkout, "README.md")).Append(Path.Combine(Fixtures.Checkout, "nano", "README.md")).ToArray();
        foreach (var document in documents)
        {
            foreach (Match link in Link().Matches(File.ReadAllText(document)))
            {
                var target = Path.Combine(Path.GetDirectoryName(document)!, link.Groups["file"].Value);
                var anchor = link.Groups["anchor"].Value;
                if (!Path.Exists(target) || (anchor != "" && !File.ReadLines(target).Any(line => line.StartsWith('#') && Anchor(line) == anchor)))
                    dead.Add($"{Path.GetFileName(document)}: {link.Value}");
            }
        }
        Assert.True(documents.Length > 10);
        Assert.Empty(dead);
    }

    // As GitHub makes them of headings.
    private static string Anchor(string heading) =>
        string.Concat(heading.TrimStart('#').Trim().ToLowerInvariant().Where(letter => char.IsLetterOrDigit(letter) || letter is ' ' or '-' or '_')).Replace(' ', '-');

    [GeneratedRegex(@"\]\((?!https?:|#)(?<file>[^)#\s]+)(?:#(?<anchor>[^)\s]+))?\)")]
    private static partial Regex Link();
}

using System.Globalization;
using Agora.Experiments;

namespace Agora.SeedData;

/// <summary>All the bad rows of a file in one message: each fault once, with every line it stands on.</summary>
internal static class BadRows
{
    public static AgoraException Error(string file, IReadOnlyList<FileRow.Bad> bad, int goodRows)
    {
        var byFault = bad.GroupBy(row => row.Fault, StringComparer.Ordinal).OrderBy(group => group.First().Number)
            .Select(group => $"{file}:{Ranges([.. group.Select(row => row.Number)])}  {group.Key}");
        var rows = bad.Count == 1 ? "1 row is" : string.Create(CultureInfo.InvariantCulture, $"{bad.Count} rows are");
        return new AgoraException(string.Create(CultureInfo.InvariantCulture, $"{rows} bad, {goodRows} good"), string.Join("\n       ", byFault),
            "mend or delete these rows, or map other columns")
        { ExitCode = 2 };
    }

    // 3,7-9,12: files with thousands of bad rows stay readable, and no row is left out.
    private static string Ranges(IReadOnlyList<int> numbers)
    {
        var ranges = new List<string>();
        for (var i = 0; i < numbers.Count;)
        {
            var last = i;
            while (last + 1 < numbers.Count && numbers[last + 1] == numbers[last] + 1) last++;
            ranges.Add(last == i ? $"{numbers[i]}" : $"{numbers[i]}-{numbers[last]}");
            i = last + 1;
        }
        return string.Join(",", ranges);
    }
}

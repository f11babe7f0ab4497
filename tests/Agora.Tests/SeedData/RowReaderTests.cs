using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Agora.Experiments;
using Agora.SeedData;
using Agora.Tests.Runs;
using CsCheck;
using Parquet;
using Parquet.Schema;

namespace Agora.Tests.SeedData;

public sealed class RowReaderTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    // Texts longer than the reader's window of 64 KiB are among them.
    private static readonly Gen<string> Text =
        Gen.Frequency((9, Gen.String[1, 40]), (1, Gen.Char['a', 'z'].Select(c => new string(c, 70_000))))
            .Where(text => !string.IsNullOrWhiteSpace(text) && text.EnumerateRunes().All(rune => rune != Rune.ReplacementChar) && !text.Contains('\0'));

    [Fact]
    public void Every_format_gives_the_same_rows() =>
        Gen.Select(Text, Text).Array[1, 20].Sample(rows =>
        {
            var lines = rows.Select(row => JsonSerializer.Serialize(new { instruction = row.Item1, idx = 3, response = row.Item2 })).ToArray();
            var files = new[]
            {
                Write("rows.jsonl", string.Join('\n', lines)),
                Write("windows.jsonl", string.Join("\r\n", lines) + "\r\n\r\n"),
                Write("lines.json", "\uFEFF" + string.Join("\n\n", lines) + "\n"),
                Write("array.json", $"\n [{string.Join(" ,\n", lines)}\n]\n"),
                WriteZipped("rows.jsonl.gz", string.Join('\n', lines)),
                WriteZipped("array.json.gz", $"[{string.Join(",", lines)}]"),
                WriteParquet("rows.parquet", rows),
            };
            foreach (var file in files)
            {
                var read = RowReader.Read(file, [new("instruction"), new("response")]).Cast<FileRow.Good>().Select(row => (row.Values[0], row.Values[1])).ToArray();
                Assert.Equal(rows.Select(row => ((string?)row.Item1, (string?)row.Item2)), read);
            }
        }, iter: 20, threads: 1);

    [Fact]
    public void A_row_of_an_array_is_named_by_the_line_it_begins_on() =>
        Assert.Equal([2, 5, 7], Read("[\n{\"a\":\n\"x\"\n},\n{\"a\": \"y\"},\n\n {\"a\": \"z\"}]").Select(row => row.Number));

    [Theory]
    [InlineData("""{"a": "x"} trailing""", "it is not valid JSON")]
    [InlineData("""{"a": 3}""", "\"a\" is a number, not a string")]
    [InlineData("""{"a": ["x"]}""", "\"a\" is a array, not a string")]
    [InlineData("""{"b": "x"}""", "it has no \"a\"")]
    [InlineData("""{"a": null}""", "it has no \"a\"")]
    [InlineData("""{"a": "  "}""", "\"a\" is empty")]
    [InlineData("""{"a": "x", "a": "y"}""", "it is not valid JSON")]
    [InlineData("""{"a": "\ud800"}""", "it has an escape that is no character")]
    [InlineData("\"x\"", "it is a JSON string, not an object")]
    [InlineData("{\"a\": \"x\"", "it is not valid JSON")]
    public void A_bad_row_says_what_is_wrong_with_it(string line, string fault)
    {
        // After a good line, so that the file is read as lines.
        var rows = Read("{\"a\": \"good\"}\n" + line + "\n{\"a\": \"good\"}").ToArray();
        Assert.IsType<FileRow.Good>(rows[0]);
        Assert.IsType<FileRow.Good>(rows[2]);
        var bad = Assert.IsType<FileRow.Bad>(rows[1]);
        Assert.Equal(2, bad.Number);
        Assert.StartsWith(fault, bad.Fault, StringComparison.Ordinal);
    }

    [Fact]
    public void A_byte_that_is_not_UTF8_makes_its_row_bad_and_no_other()
    {
        var file = folder["latin.jsonl"];
        File.WriteAllBytes(file, [.. "{\"a\": \"x\"}\n{\"a\": \"caf"u8, 0xE9, .. "\"}\n{\"a\": \"z\"}\n"u8]);
        var rows = RowReader.Read(file, [new("a")]).ToArray();
        Assert.Equal(new FileRow.Bad(2, "it is not UTF-8"), rows[1]);
        Assert.IsType<FileRow.Good>(rows[2]);
    }

    [Fact]
    public void An_element_with_a_fault_inside_is_a_bad_row_and_not_the_end_of_the_array()
    {
        var rows = Read("""[{"a": "x"}, {"a": oops}, {"a": "z \" ] } \\"}]""").ToArray();
        Assert.IsType<FileRow.Bad>(rows[1]);
        Assert.Equal("z \" ] } \\", Assert.IsType<FileRow.Good>(rows[2]).Values[0]);
    }

    [Fact]
    public void An_empty_array_has_no_rows() => Assert.Empty(Read(" [ ] "));

    [Fact]
    public void A_column_that_is_not_required_may_be_absent() =>
        Assert.Equal([null], Assert.IsType<FileRow.Good>(Read("{\"b\": \"x\"}", required: false).Single()).Values);

    [Theory]
    [InlineData("[{\"a\": \"x\"}", "the JSON array is not closed")]
    [InlineData("[{\"a\": \"x", "a string of this element is not closed")]
    [InlineData("[{\"a\": \"x\"}] more", "text follows the end of the JSON array")]
    public void An_array_that_breaks_off_is_an_error_with_its_line(string text, string what) =>
        Assert.Contains(what, Assert.Throws<AgoraException>(() => Read(text).ToArray()).Message, StringComparison.Ordinal);

    [Fact]
    public void A_gzip_file_that_was_cut_off_is_an_error()
    {
        var file = WriteZipped("cut.jsonl.gz", string.Join('\n', Enumerable.Range(0, 5000).Select(i => $"{{\"a\": \"{i * 7919}\"}}")));
        var bytes = File.ReadAllBytes(file);
        Assert.Equal(5000, RowReader.Read(file, [new("a")]).Count());
        Assert.All([1, 4, 9, bytes.Length / 2], missing =>
        {
            File.WriteAllBytes(file, bytes[..^missing]);
            var fault = Assert.Throws<AgoraException>(() => RowReader.Read(file, [new("a")]).Count());
            Assert.Contains("damaged, cut off", fault.What, StringComparison.Ordinal);
        });
    }

    [Theory]
    [InlineData("rows.csv", "are not read from files that end in \".csv\"")]
    [InlineData("rows.gz", "are not read from files that end in \".gz\"")]
    public void A_kind_of_file_that_is_not_read_is_refused_by_its_name(string name, string what) =>
        Assert.Contains(what, Assert.Throws<AgoraException>(() => RowReader.Read(Write(name, "x"), [new("a")])).What, StringComparison.Ordinal);

    [Fact]
    public void A_missing_file_and_a_folder_are_told_apart()
    {
        Assert.Contains("does not exist", Assert.Throws<AgoraException>(() => RowReader.Read(folder["absent.jsonl"], [])).What, StringComparison.Ordinal);
        Assert.Contains("is a folder", Assert.Throws<AgoraException>(() => RowReader.Read(folder.Path, [])).What, StringComparison.Ordinal);
    }

    [Fact]
    public void A_parquet_file_without_the_column_lists_those_it_has()
    {
        var fault = Assert.Throws<AgoraException>(() => RowReader.Read(WriteParquet("x.parquet", [("q", "a")]), [new("question")]).ToArray());
        Assert.Contains("instruction, response", fault.Fix, StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_that_are_not_parquet_are_an_error() =>
        Assert.Contains("cannot be read", Assert.Throws<AgoraException>(() => RowReader.Read(Write("x.parquet", "PAR1 and no more"), [new("a")]).ToArray()).What, StringComparison.Ordinal);

    private IEnumerable<FileRow> Read(string text, bool required = true) => RowReader.Read(Write("rows.json", text), [new("a", required)]);

    private string Write(string name, string text)
    {
        File.WriteAllText(folder[name], text);
        return folder[name];
    }

    private string WriteZipped(string name, string text)
    {
        using var zip = new GZipStream(File.Create(folder[name]), CompressionLevel.Fastest);
        zip.Write(Encoding.UTF8.GetBytes(text));
        return folder[name];
    }

    private string WriteParquet(string name, (string Instruction, string Response)[] rows)
    {
        WriteAsync().GetAwaiter().GetResult();
        return folder[name];

        async Task WriteAsync()
        {
            var (instruction, response) = (new DataField<string>("instruction"), new DataField<string>("response"));
            await using var stream = File.Create(folder[name]);
            await using var writer = await ParquetWriter.CreateAsync(new ParquetSchema(instruction, response), stream);
            // Two row groups, of which the second goes on counting.
            foreach (var part in rows.Chunk((rows.Length + 1) / 2))
            {
                using var group = writer.CreateRowGroup();
                await group.WriteAsync(instruction, part.Select(row => row.Instruction).ToArray());
                await group.WriteAsync(response, part.Select(row => row.Response).ToArray());
            }
        }
    }
}

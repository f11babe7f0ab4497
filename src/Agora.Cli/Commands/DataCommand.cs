using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using Agora.Experiments;
using Agora.SeedData;
using Agora.SeedData.Catalogue;
using Agora.SeedData.Hub;
using Spectre.Console;

namespace Agora.Cli.Commands;

/// <summary><c>agora data</c>: seed sets and benchmarks, where they come from, and whether they are what they were.</summary>
internal static class DataCommand
{
    public static Command Create()
    {
        var command = new Command("data", "List, pull, verify and describe seed sets and benchmarks, from the hub or your own files; push data to it.");
        command.Subcommands.Add(List());
        command.Subcommands.Add(Pull());
        command.Subcommands.Add(Verify());
        command.Subcommands.Add(Info());
        command.Subcommands.Add(Push());
        return command;
    }

    private static Command List()
    {
        var command = new Command("list", "Every seed set and benchmark of the catalogue.");
        command.SetAction(_ =>
        {
            using var services = new DataServices();
            var table = TerminalTable.Empty("name", "what", new("rows", true), "licence", "here");
            foreach (var entry in DataCatalogue.Entries)
            {
                table.AddRow(Markup.Escape(entry.Name), Markup.Escape(entry.Title), entry.Rows?.ToString(CultureInfo.InvariantCulture) ?? "",
                    Markup.Escape(string.Join("; ", entry.Parts.Select(part => part.Licence).Distinct())),
                    services.Files.IsHere(entry) ? "[green]yes[/]" : Need(entry, services));
            }
            Terminal.Out.Write(table);
            Terminal.Out.WriteLine("In an experiment: \"file: catalogue:NAME\". Agora ships no row of these; \"agora data info NAME\" says where each comes from.");
        });
        return command;
    }

    private static Command Pull()
    {
        var source = new Argument<string[]>("what") { Description = "A name of the catalogue, or hf://datasets/OWNER/NAME@REVISION/PATH; * and ** in the path stand for several files.", Arity = ArgumentArity.OneOrMore };
        var from = new Option<string>("--from") { Description = "Your own copy for an entry that names none (MATH): a file, or an hf:// address. Remembered.", HelpName = "file" };
        var update = new Option<bool>("--update") { Description = "Take what the hub has now instead of the commits that were pulled first." };
        var command = new Command("pull", "Fetch data into the hub's own cache. Interrupted however, the same command goes on where it stopped.") { source, from, update };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var services = new DataServices();
            foreach (var wanted in parsed.GetRequiredValue(source))
            {
                var pulled = await services.Files.PullAsync(wanted, parsed.GetValue(from), parsed.GetValue(update), cancellationToken);
                Console.WriteLine($"{pulled.Path}{(pulled.Rows is { } rows ? string.Create(CultureInfo.InvariantCulture, $"  {rows} rows") : "")}");
            }
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command Verify()
    {
        var source = new Argument<string?>("what") { Description = "A name of the catalogue or an hf:// address; everything that was pulled where absent.", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command("verify", "Hold every pulled file against the SHA-256 recorded at its first pull. Asks no server.") { source };
        command.SetAction(parsed =>
        {
            using var services = new DataServices();
            var files = services.Files.Verify(parsed.GetValue(source));
            foreach (var file in files)
                Console.WriteLine($"{(file.Fault is null ? "ok  " : "FAIL")}  {file.File}{(file.Fault is null ? "" : $": {file.Fault}")}");
            if (files.Count == 0)
                Console.Error.WriteLine("nothing of it has been pulled: there is no checksum to hold it against");
            else if (files.Any(file => file.Fault is not null))
                Console.Error.WriteLine("  fix: delete the files above that differ and pull them again");
            return files.Count == 0 || files.Any(file => file.Fault is not null) ? ExitCodes.Failed : ExitCodes.Done;
        });
        return command;
    }

    private static Command Info()
    {
        var source = new Argument<string>("what") { Description = "A name of the catalogue, or hf://datasets/OWNER/NAME@REVISION." };
        var command = new Command("info", "Where an entry comes from, its columns, licence and caveats; or the files of a dataset on the hub.") { source };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var services = new DataServices();
            var wanted = parsed.GetRequiredValue(source);
            if (HubAddress.IsMeant(wanted))
                await PrintFilesAsync(HubAddress.Parse(wanted), services, cancellationToken);
            else
                Print(DataCatalogue.Find(wanted.StartsWith(CatalogueEntry.Scheme, StringComparison.Ordinal) ? wanted[CatalogueEntry.Scheme.Length..] : wanted), services);
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command Push()
    {
        var folder = new Argument<string>("folder") { Description = "Its files go to the same paths in the dataset; hidden ones and *.part stay here." };
        var target = new Argument<string>("target") { Description = "hf://datasets/OWNER/NAME, with @BRANCH where it is not main." };
        var isPrivate = new Option<bool>("--private") { Description = "Make the repository private, where it is made now." };
        var message = new Option<string>("--message") { Description = "The commit's summary.", HelpName = "text", DefaultValueFactory = _ => "Upload data with agora" };
        var command = new Command("push", "Put a folder of data into a dataset on the hub, as one commit. Needs HF_TOKEN.") { folder, target, isPrivate, message };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var dataset = HubAddress.Parse(parsed.GetRequiredValue(target));
            if (dataset.Path != "")
                throw new AgoraException("a push goes to a whole dataset", parsed.GetRequiredValue(target), "leave the path out") { ExitCode = ExitCodes.Usage };
            var root = Path.GetFullPath(parsed.GetRequiredValue(folder));
            if (!Directory.Exists(root))
                throw new AgoraException("there is no such folder", root, "name the folder that \"agora generate --output\" wrote") { ExitCode = ExitCodes.Usage };
            (string Path, string File)[] files = [.. Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories)
                .Select(file => (Path.GetRelativePath(root, file).Replace(Path.DirectorySeparatorChar, '/'), file))
                .Where(file => !file.Item1.Split('/').Any(name => name.StartsWith('.')) && !file.Item1.EndsWith(".part", StringComparison.Ordinal))
                .OrderBy(file => file.Item1, StringComparer.Ordinal)];
            if (files.Length == 0)
                throw new AgoraException("the folder holds no file", root, "name the folder that \"agora generate --output\" wrote") { ExitCode = ExitCodes.Usage };
            using var services = new DataServices();
            var commit = await services.Upload.PushAsync(dataset, files, parsed.GetRequiredValue(message), parsed.GetValue(isPrivate), cancellationToken);
            Console.WriteLine($"{dataset} is commit {commit}: {files.Length} files");
            return ExitCodes.Done;
        });
        return command;
    }

    private static async Task PrintFilesAsync(HubAddress dataset, DataServices services, CancellationToken cancellationToken)
    {
        var (commit, files) = await services.Hub.ListAsync(dataset, cancellationToken);
        Console.WriteLine($"{dataset with { Path = "" }} is commit {commit}");
        foreach (var (path, size) in files.Where(file => dataset.Path == "" || dataset.Matches(file.Path)))
            Console.WriteLine($"{(size is { } bytes ? Size(bytes) : "?"),10}  {path}");
    }

    private static void Print(CatalogueEntry entry, DataServices services)
    {
        Console.WriteLine($"{entry.Name}: {entry.Title}{(entry.Rows is { } rows ? string.Create(CultureInfo.InvariantCulture, $", {rows} rows") : "")}");
        foreach (var part in entry.Parts)
        {
            Console.WriteLine(part.Repository is { } repository ? $"  from     hf://datasets/{repository}, config {part.Config}, split {part.Split}" : $"  from     {services.Files.SourceOf(entry) ?? "your own copy"}, split {part.Split}");
            if (!part.Files.IsEmpty)
                Console.WriteLine($"  files    {string.Join(", ", part.Files)}{(part.ApproximateBytes is { } bytes ? $"  (about {Size(bytes)})" : "")}");
            if (!part.Columns.IsEmpty)
                Console.WriteLine($"  columns  {string.Join(", ", part.Columns)}");
            Console.WriteLine($"  licence  {part.Licence}{(part.Gated ? "; gated: accept its terms on the hub and set HF_TOKEN" : "")}");
            if (part.Withdrawn is { } why)
                Console.WriteLine($"  note     {why}: agora data pull {entry.Name} --from FILE-OR-hf://…");
            foreach (var (file, sha256) in part.KnownSha256.OrderBy(known => known.Key, StringComparer.Ordinal))
                Console.WriteLine($"  sha256   {sha256}  {file}");
            if (part.KnownSha256.IsEmpty)
                Console.WriteLine("  sha256   recorded at the first pull");
        }
        foreach (var note in entry.Notes)
            Console.WriteLine($"  note     {note}");
        Console.WriteLine($"  here     {(services.Files.IsHere(entry) ? "yes" : "no")}");
    }

    private static string Need(CatalogueEntry entry, DataServices services) =>
        entry.Parts.Any(part => part.Repository is null) && services.Files.SourceOf(entry) is null ? "no: give your copy" : entry.Gated ? "no: gated" : "no";

    internal static string Size(long bytes) => bytes switch
    {
        >= 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:0.0} MB"),
        >= 1000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e3:0.0} kB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes} B"),
    };
}

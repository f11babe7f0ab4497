using System.Globalization;
using Agora.Cli.Commands;
using Agora.SeedData.Hub;

namespace Agora.Cli.Progress;

/// <summary>One line on stderr per tenth of a file, as in every place that may be no terminal.</summary>
internal sealed class DownloadLines : IProgress<HubProgress>
{
    private readonly Lock turn = new();
    private string? file;
    private long tenths;

    public void Report(HubProgress value)
    {
        lock (turn)
        {
            var name = value.File.ToString();
            var now = value.Size == 0 ? 10 : 10 * value.Fetched / value.Size;
            if (name != file)
            {
                (file, tenths) = (name, -1);
                Console.Error.WriteLine($"fetch  {name}  {DataCommand.Size(value.Size)}");
            }
            if (now <= tenths || (tenths < 0 && now == 0))
                return;
            tenths = now;
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"fetch  {10 * now,3} %  {Path.GetFileName(value.File.Path)}"));
        }
    }
}

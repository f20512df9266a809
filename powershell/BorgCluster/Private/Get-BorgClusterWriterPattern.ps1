function Get-BorgClusterWriterPattern {
    <#
    .SYNOPSIS
    Holds the regular expressions by which the texts of diskshadow and vssadmin are read.
    .DESCRIPTION
    None of them knows a word: words are localized. Colons, commas and equals signs may be those of East Asian languages. Only
    what .NET's and Python's expressions have in common is used, so that the tests can try them where there is no PowerShell.
    #>
    return @{
        # diskshadow: begins a writer, begins a component
        Writer = '^\s*\*\s'
        Component = '^\s*\+\s'
        # The end of the full path of a virtual machine's component
        Machine = ':\\([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})\W*$'
        # A GUID in braces, but for a volume's
        Identifier = '(?<!Volume)\{([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})\}'
        # The line before a component's type
        Caption = '^[^:\uFF1A]*[:\uFF1A]\s*(.*?)\s*$'
        Type = '^[^:\uFF1A]*[:\uFF1A]\s*VSS_CT_\w+(?:\s*\[[0-9]+\])?\s*$'
        # A folder and the name of a file in it
        File = '[=\uFF1D:\uFF1A]\s*((?:[A-Za-z]:\\|\\\\).*)[,\uFF0C\u3001]\s*[^=\uFF1D:\uFF1A,\uFF0C\u3001]*[=\uFF1D:\uFF1A]\s*(\S.*?)\s*$'
        # A number that an [int] holds
        State = '(?<![0-9])([0-9]{1,9})\s*\(VSS_WS_\w+\)'
        FailureCode = '0x([0-9A-Fa-f]{8})'
        # vssadmin: begins a writer, tells its state
        Heading = '^\S'
        DisplayState = '^\s+[^:\uFF1A]*[:\uFF1A]\s*\[([0-9]{1,9})\]'
    }
}

function Get-BorgClusterWriterReport {
    <#
    .SYNOPSIS
    Reports which files the Hyper-V VSS writer lists for each virtual machine of this node, and the state of all writers.
    .DESCRIPTION
    No WMI class tells this, so diskshadow is asked, and its answer is read by GUIDs and paths only: it may be in any
    language. It takes from some seconds to minutes.
    .EXAMPLE
    Get-BorgClusterWriterReport
    .OUTPUTS
    One text: JSON, or gzip in Base64 beyond 100 kB.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param ()

    Set-StrictMode -Version 2.0
    $ErrorActionPreference = 'Stop'

    $lines = @(Invoke-BorgClusterDiskshadow -Script @('list writers detailed', 'list writers status', 'exit'))
    $found = ConvertFrom-BorgClusterWriterText -Line @(foreach ($line in $lines) { [string] $line })
    $answer = [ordered]@{
        node = [System.Environment]::MachineName
        module_version = Get-BorgClusterModuleVersion
        taken_at = ConvertTo-BorgClusterTime -Value ([datetime]::UtcNow)
        components = $found['Components']
        writers = $found['Writers']
    }
    ConvertTo-BorgClusterAnswer -Answer $answer
}

<#
.SYNOPSIS
Installs the BorgCluster module and its JEA endpoint on this node, or on every node of this node's cluster.
.DESCRIPTION
Copies the module to the modules folder of Windows PowerShell and registers the endpoint, so that the members of three groups can
connect: readers (reports), backup (reports, claims, snapshots) and restore (all). Who connects needs no other right on the node; the
endpoint works as a virtual account, a local administrator of that node, or as a group managed service account.

It may be run again at any time: what is installed already is left as it is. WinRM is restarted when the endpoint changed, which ends
remote sessions to that node.
.PARAMETER ReaderGroup
Groups that may read what the cluster and the nodes tell, such as 'EXAMPLE\BorgCluster Readers'.
.PARAMETER BackupGroup
Groups that may read, claim virtual machines for the time of a backup, and freeze their disks.
.PARAMETER RestoreGroup
Groups that may carry out the steps of a restore too. This is as good as being an administrator of the cluster.
.PARAMETER GroupManagedServiceAccount
The account that the endpoint works as, such as 'EXAMPLE\BorgCluster$'. It must be a local administrator of each node and have full
access to the cluster (Grant-ClusterAccess -Full). Without it a virtual account is used.
.PARAMETER TranscriptFolder
Where each call leaves a transcript: ProgramData\BorgCluster\Transcripts, if nothing is said. Only the system and administrators
can read it.
.PARAMETER EndpointName
The name of the endpoint: configuration_name in borg-cluster's configuration.
.PARAMETER Cluster
Install on each node of this node's cluster, through PowerShell remoting, with the rights of who runs the script.
.PARAMETER Uninstall
Remove the endpoint and the module. The transcripts stay.
.EXAMPLE
./Install-BorgCluster.ps1 -Cluster -BackupGroup 'EXAMPLE\BorgCluster Backup' -RestoreGroup 'EXAMPLE\BorgCluster Restore'
.EXAMPLE
./Install-BorgCluster.ps1 -Uninstall -WhatIf
#>
#Requires -Version 5.1
#Requires -RunAsAdministrator
[CmdletBinding(SupportsShouldProcess, DefaultParameterSetName = 'Install')]
param (
    [Parameter(ParameterSetName = 'Install')]
    [string[]]
    $ReaderGroup = @(),

    [Parameter(ParameterSetName = 'Install')]
    [string[]]
    $BackupGroup = @(),

    [Parameter(ParameterSetName = 'Install')]
    [string[]]
    $RestoreGroup = @(),

    [Parameter(ParameterSetName = 'Install')]
    [string]
    $GroupManagedServiceAccount = '',

    [Parameter(ParameterSetName = 'Install')]
    [string]
    $TranscriptFolder = '',

    [Parameter()]
    [ValidatePattern('^[A-Za-z0-9.-]+$')]
    [string]
    $EndpointName = 'BorgCluster',

    [Parameter()]
    [switch]
    $Cluster,

    [Parameter(Mandatory, ParameterSetName = 'Uninstall')]
    [switch]
    $Uninstall
)

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

function Get-KnownFolder {
    # One of Windows' folders: as the environment names it, else as it is called on most machines
    param (
        [Parameter(Mandatory)]
        [string]
        $Name,

        [Parameter(Mandatory)]
        [string]
        $Default
    )

    $folder = [System.Environment]::GetEnvironmentVariable($Name)
    if ([string]::IsNullOrEmpty($folder)) {
        return $Default
    }
    return $folder
}

function Get-FolderFingerprint {
    # What a folder holds, as one text: relative names and hashes of its files
    param (
        [Parameter(Mandatory)]
        [string]
        $Path
    )

    if (-not (Test-Path -LiteralPath $Path -PathType Container)) {
        return ''
    }
    # As the files spell it: the path may have a short name or a drive of PowerShell's
    $root = (Get-Item -LiteralPath $Path).FullName
    $lines = foreach ($file in @(Get-ChildItem -LiteralPath $Path -Recurse -File)) {
        $file.FullName.Substring($root.Length) + ' ' + (Get-FileHash -LiteralPath $file.FullName -Algorithm SHA256).Hash
    }
    return (@($lines) | Sort-Object) -join "`n"
}

function Get-RoleDefinition {
    # Group -> role capabilities; a group may have several
    param (
        [Parameter(Mandatory)]
        [hashtable]
        $GroupOfRole
    )

    $capabilities = @{}
    foreach ($role in @('BorgClusterReader', 'BorgClusterBackup', 'BorgClusterRestore')) {
        foreach ($group in $GroupOfRole[$role]) {
            if (-not $capabilities.ContainsKey($group)) {
                $capabilities[$group] = @()
            }
            $capabilities[$group] += $role
        }
    }
    $definitions = @{}
    # Not by .Keys: a group may be called so
    foreach ($entry in $capabilities.GetEnumerator()) {
        $definitions[$entry.Key] = @{ RoleCapabilities = $entry.Value }
    }
    return $definitions
}

function Initialize-TranscriptFolder {
    # By SID, as the names of these two are localized
    param (
        [Parameter(Mandatory)]
        [string]
        $Path
    )

    $null = New-Item -Path $Path -ItemType Directory -Force
    $arguments = @($Path, '/inheritance:r', '/grant:r')
    foreach ($sid in @('S-1-5-18', 'S-1-5-32-544')) {
        $arguments += '*' + $sid + ':(OI)(CI)(F)'
    }
    $null = & 'icacls' @arguments
    if ($LASTEXITCODE -ne 0) {
        throw "icacls could not protect '$Path' and ended with code $LASTEXITCODE."
    }
}

function Invoke-WinRMRestart {
    # In a remote session the restart would end the very session: there, it is left to a process of its own
    if (Test-Path -LiteralPath 'variable:PSSenderInfo') {
        $command = 'powershell.exe -NoProfile -NonInteractive -Command "Start-Sleep -Seconds 3; Restart-Service -Name WinRM -Force"'
        $null = Invoke-CimMethod -ClassName 'Win32_Process' -MethodName 'Create' -Arguments @{ CommandLine = $command }
    } else {
        Restart-Service -Name 'WinRM' -Force
    }
}

function Invoke-OnNode {
    # Sends this folder to a node and runs this script there, on that node alone
    param (
        [Parameter(Mandatory)]
        [string]
        $Node,

        [Parameter(Mandatory)]
        [hashtable]
        $Arguments
    )

    $session = New-PSSession -ComputerName $Node
    try {
        $folder = Invoke-Command -Session $session -ScriptBlock {
            $temporary = Join-Path -Path ([System.IO.Path]::GetTempPath()) -ChildPath ('BorgCluster-' + [guid]::NewGuid())
            (New-Item -Path $temporary -ItemType Directory).FullName
        }
        foreach ($name in @('Install-BorgCluster.ps1', 'BorgCluster')) {
            $source = Join-Path -Path $PSScriptRoot -ChildPath $name
            Copy-Item -LiteralPath $source -Destination $folder -ToSession $session -Recurse
        }
        $given = $Arguments
        Invoke-Command -Session $session -ScriptBlock {
            $here = $using:folder
            $parameters = $using:given
            try {
                & (Join-Path -Path $here -ChildPath 'Install-BorgCluster.ps1') @parameters
            } finally {
                Remove-Item -LiteralPath $here -Recurse -Force
            }
        }
    } finally {
        Remove-PSSession -Session $session
    }
}

if ($PSVersionTable.PSEdition -eq 'Core' -and [System.IO.Path]::DirectorySeparatorChar -eq '\') {
    throw 'Run this in Windows PowerShell (powershell.exe): from PowerShell 7 the endpoint would be one of PowerShell 7.'
}

if ($Cluster) {
    $arguments = @{}
    foreach ($entry in $PSBoundParameters.GetEnumerator()) {
        if ($entry.Key -notin @('Cluster', 'WhatIf', 'Confirm')) {
            $arguments[$entry.Key] = $entry.Value
        }
    }
    foreach ($node in @(FailoverClusters\Get-ClusterNode)) {
        $there = "node $($node.Name)"
        if ([string] $node.State -notin @('Up', 'Paused')) {
            Write-Warning -Message "$there is $($node.State): run the script again when it is up."
        } elseif ($node.Name -ne [System.Environment]::MachineName -and $PSCmdlet.ShouldProcess($there, 'Run this script')) {
            Invoke-OnNode -Node $node.Name -Arguments $arguments
        }
    }
}

$programs = Get-KnownFolder -Name 'ProgramFiles' -Default 'C:\Program Files'
$programData = Get-KnownFolder -Name 'ProgramData' -Default 'C:\ProgramData'
if ($TranscriptFolder -eq '') {
    $TranscriptFolder = Join-Path -Path $programData -ChildPath 'BorgCluster\Transcripts'
}
$module = Join-Path -Path $programs -ChildPath 'WindowsPowerShell\Modules\BorgCluster'
$settings = Join-Path -Path $programData -ChildPath 'BorgCluster\Endpoint'
$configuration = Join-Path -Path $settings -ChildPath "$EndpointName.pssc"
$registered = @(Get-PSSessionConfiguration -Name $EndpointName -ErrorAction SilentlyContinue).Count -gt 0

if ($Uninstall) {
    if ($registered -and $PSCmdlet.ShouldProcess($EndpointName, 'Unregister the endpoint')) {
        Unregister-PSSessionConfiguration -Name $EndpointName -Force -NoServiceRestart
        Invoke-WinRMRestart
    }
    foreach ($path in @($configuration, $module)) {
        if ((Test-Path -LiteralPath $path) -and $PSCmdlet.ShouldProcess($path, 'Remove')) {
            Remove-Item -LiteralPath $path -Recurse -Force
        }
    }
    return
}

$groups = @{
    BorgClusterReader = $ReaderGroup
    BorgClusterBackup = $BackupGroup
    BorgClusterRestore = $RestoreGroup
}
$definitions = Get-RoleDefinition -GroupOfRole $groups
if (@($ReaderGroup + $BackupGroup + $RestoreGroup).Count -eq 0) {
    throw 'Nobody could connect: name at least one of -ReaderGroup, -BackupGroup and -RestoreGroup.'
}
foreach ($needed in @('Hyper-V', 'FailoverClusters')) {
    if (@(Get-Module -Name $needed -ListAvailable).Count -eq 0) {
        throw "The module $needed is missing: install the management tools of Hyper-V and Failover Clustering on this node."
    }
}

$source = Join-Path -Path $PSScriptRoot -ChildPath 'BorgCluster'
if ((Get-FolderFingerprint -Path $source) -ne (Get-FolderFingerprint -Path $module)) {
    if ($PSCmdlet.ShouldProcess($module, 'Copy the module')) {
        # Whole or not at all: the new folder takes the old one's place by a rename
        $new = $module + '.new'
        if (Test-Path -LiteralPath $new) {
            Remove-Item -LiteralPath $new -Recurse -Force
        }
        Copy-Item -LiteralPath $source -Destination $new -Recurse
        if (Test-Path -LiteralPath $module) {
            Remove-Item -LiteralPath $module -Recurse -Force
        }
        Rename-Item -LiteralPath $new -NewName 'BorgCluster'
    }
}

$shipped = Import-PowerShellDataFile -LiteralPath (Join-Path -Path $source -ChildPath 'SessionConfigurations\BorgCluster.pssc')
$endpoint = @{
    Guid = $shipped['GUID']
    Author = $shipped['Author']
    Description = $shipped['Description']
    SessionType = $shipped['SessionType']
    TranscriptDirectory = $TranscriptFolder
    RoleDefinitions = $definitions
}
if ($GroupManagedServiceAccount -ne '') {
    $endpoint['GroupManagedServiceAccount'] = $GroupManagedServiceAccount
} else {
    $endpoint['RunAsVirtualAccount'] = $true
}
if (-not $PSCmdlet.ShouldProcess($EndpointName, 'Register the endpoint, if it differs')) {
    return
}
Initialize-TranscriptFolder -Path $TranscriptFolder
$null = New-Item -Path $settings -ItemType Directory -Force
$candidate = $configuration + '.new.pssc'
New-PSSessionConfigurationFile -Path $candidate @endpoint
if (-not (Test-PSSessionConfigurationFile -Path $candidate)) {
    throw "'$candidate' is no valid session configuration."
}
$old = ''
if (Test-Path -LiteralPath $configuration) {
    $old = Get-Content -LiteralPath $configuration -Raw
}
if ($registered -and $old -eq (Get-Content -LiteralPath $candidate -Raw)) {
    Remove-Item -LiteralPath $candidate
    return
}
if ($registered) {
    Unregister-PSSessionConfiguration -Name $EndpointName -Force -NoServiceRestart
}
Move-Item -LiteralPath $candidate -Destination $configuration -Force
$null = Register-PSSessionConfiguration -Name $EndpointName -Path $configuration -Force -NoServiceRestart
Invoke-WinRMRestart

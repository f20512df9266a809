function Get-BorgClusterAccess {
    <#
    .SYNOPSIS
    Reports which of the rights that the commands need hold here.
    .DESCRIPTION
    Each right is tried, and nothing is left behind. For borg-cluster's doctor. What can't be found out is null.
    .EXAMPLE
    Get-BorgClusterAccess
    .OUTPUTS
    One text: JSON, or gzip in Base64 beyond 100 kB.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param ()

    Set-StrictMode -Version 2.0
    $ErrorActionPreference = 'Stop'

    $checks = @(
        ConvertTo-BorgClusterAccessCheck -Right 'cluster_read' -Test {
            $null = FailoverClusters\Get-Cluster -ErrorAction Stop
            $true
        }
        ConvertTo-BorgClusterAccessCheck -Right 'cluster_full' -Test { Test-BorgClusterFullAccess }
        ConvertTo-BorgClusterAccessCheck -Right 'hyper_v' -Test {
            $null = Hyper-V\Get-VM -ErrorAction Stop
            $true
        }
        ConvertTo-BorgClusterAccessCheck -Right 'wmi_virtualization' -Test {
            $null = Get-BorgClusterService -ClassName 'Msvm_VirtualSystemSnapshotService'
            $true
        }
        ConvertTo-BorgClusterAccessCheck -Right 'wmi_cluster' -Test {
            $null = CimCmdlets\Get-CimInstance -Namespace 'root\MSCluster' -ClassName 'MSCluster_Cluster' -ErrorAction Stop
            $true
        }
        ConvertTo-BorgClusterAccessCheck -Right 'vss' -Test {
            (Invoke-BorgClusterTool -Name 'vssadmin' -Argument @('list', 'providers'))['ExitCode'] -eq 0
        }
        ConvertTo-BorgClusterAccessCheck -Right 'volume_write' -Test { Test-BorgClusterVolumeWrite }
        ConvertTo-BorgClusterAccessCheck -Right 'administrator' -Test { Test-BorgClusterAdministrator }
    )
    $answer = [ordered]@{
        node = [System.Environment]::MachineName
        identity = Get-BorgClusterIdentity
        checks = $checks
    }
    ConvertTo-BorgClusterAnswer -Answer $answer
}

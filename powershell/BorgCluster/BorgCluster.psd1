@{
    RootModule = 'BorgCluster.psm1'
    ModuleVersion = '0.1.0'
    GUID = '7c0b2a53-3a0e-4a63-9f0f-3f6a4a1d8e21'
    Author = 'The borg-cluster authors'
    CompanyName = 'The borg-cluster authors'
    Copyright = '(c) The borg-cluster authors. BSD-3-Clause.'
    Description = 'What borg-cluster asks of the nodes of a Hyper-V failover cluster: reports, claims, and the steps of a restore. Each command takes plain values and answers with one JSON text.'
    PowerShellVersion = '5.1'
    # Windows' own cmdlets need Desktop; Core is for the module's tests
    CompatiblePSEditions = @('Desktop', 'Core')
    FunctionsToExport = @(
        'Add-BorgClusterRole'
        'Clear-BorgClusterChangeTracking'
        'Compare-BorgClusterVM'
        'ConvertTo-BorgClusterReferencePoint'
        'Copy-BorgClusterConfiguration'
        'Get-BorgClusterAccess'
        'Get-BorgClusterClaim'
        'Get-BorgClusterDiskChange'
        'Get-BorgClusterNodeReport'
        'Get-BorgClusterReferencePoint'
        'Get-BorgClusterReport'
        'Get-BorgClusterRoleSetting'
        'Get-BorgClusterSnapshot'
        'Get-BorgClusterVMState'
        'Get-BorgClusterWriterReport'
        'Grant-BorgClusterVMAccess'
        'Move-BorgClusterFile'
        'New-BorgClusterClaim'
        'New-BorgClusterSnapshot'
        'Register-BorgClusterVM'
        'Register-BorgClusterVMCopy'
        'Remove-BorgClusterClaim'
        'Remove-BorgClusterReferencePoint'
        'Remove-BorgClusterRestoreFolder'
        'Remove-BorgClusterRole'
        'Remove-BorgClusterSavedState'
        'Remove-BorgClusterSnapshot'
        'Set-BorgClusterOfflineAction'
        'Set-BorgClusterRoleSetting'
        'Start-BorgClusterRole'
        'Start-BorgClusterVM'
        'Stop-BorgClusterRole'
        'Stop-BorgClusterVM'
        'Test-BorgClusterBoot'
        'Unregister-BorgClusterVM'
        'Wait-BorgClusterMerge'
    )
    CmdletsToExport = @()
    VariablesToExport = @()
    AliasesToExport = @()
    PrivateData = @{
        PSData = @{
            Tags = @('Backup', 'BorgBackup', 'FailoverCluster', 'Hyper-V', 'JEA')
        }
    }
}

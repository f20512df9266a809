# A cluster of one node with one highly available virtual machine, web01, behind the stubs. What a test changes in the table that
# Use-StubWorld returns is what the next command finds.

Import-Module -Name (Join-Path -Path $PSScriptRoot -ChildPath 'Stub.psm1') -Force

$world = @{}

function Get-Row {
    param ([hashtable] $Table)

    foreach ($name in $Table.Keys) {
        [pscustomobject] @{ Name = $name; Value = $Table[$name] }
    }
}

function Get-Machine {
    param ([string] $Id, [string] $Name, [string] $Folder)

    [pscustomobject] @{
        PSTypeName = 'Microsoft.HyperV.PowerShell.VirtualMachine'
        Id = [guid] $Id
        Name = $Name
        State = 'Running'
        Generation = 2
        Version = '9.0'
        Path = $Folder
        ConfigurationLocation = $Folder
        SnapshotFileLocation = $Folder
        SmartPagingFilePath = $Folder
        CheckpointType = 'Production'
        AutomaticStartAction = 'Nothing'
        IsClustered = $true
        Uptime = [timespan]::FromSeconds(90)
        MemoryStartup = [long] 4294967296
        Notes = ''
        ReplicationMode = 'None'
        ReplicationState = 'Disabled'
        ReplicationHealth = 'NotApplicable'
        Heartbeat = 'OkApplicationsHealthy'
    }
}

function Get-Drive {
    param ([string] $Id, [string] $Path)

    [pscustomobject] @{
        Id = "Microsoft:$Id\C0FFEE00-0000-4000-8000-000000000001\0\0\D"
        ControllerType = 'SCSI'
        ControllerNumber = 0
        ControllerLocation = 0
        Path = $Path
        DiskNumber = $null
        SupportPersistentReservations = $false
    }
}

function Get-Resource {
    param ([string] $Id, [string] $Type)

    [pscustomobject] @{
        Id = $Id
        Name = "$Type web01"
        ResourceType = $Type
        OwnerGroup = 'web01'
        OwnerNode = 'NODE1'
        State = 'Online'
        PendingTimeout = 600000
    }
}

function Add-StubSnapshot {
    <#
    .SYNOPSIS
    Freezes the machine's disk, as somebody named so.
    #>
    param ([string] $Id, [string] $Name)

    $setting = [pscustomobject] @{
        InstanceID = "Microsoft:$Id"
        ElementName = $Name
        VirtualSystemType = 'Microsoft:Hyper-V:Snapshot:Recovery'
        CreationTime = [datetime]::new(2024, 5, 12, 0, 0, 0, [System.DateTimeKind]::Utc)
        ConfigurationDataRoot = $world['Folder']
        ConfigurationFile = "Snapshots\$Id.vmcx"
    }
    $world['Snapshot'] = @($world['Snapshot']) + @($setting)
}

function Use-StubWorld {
    <#
    .SYNOPSIS
    Makes the machine's files below a folder and lets all stubs answer for it. Returns the table that holds the world.
    #>
    param (
        [Parameter(Mandatory)]
        [string]
        $Root
    )

    $id = '00112233-4455-6677-8899-aabbccddeeff'
    $folder = Join-Path -Path $Root -ChildPath 'web01'
    $machines = Join-Path -Path $folder -ChildPath 'Virtual Machines'
    $null = New-Item -Path $machines -ItemType Directory -Force
    $disk = Join-Path -Path $folder -ChildPath 'web01.vhdx'
    $vmcx = Join-Path -Path $machines -ChildPath "$($id.ToUpperInvariant()).vmcx"
    Set-Content -LiteralPath $disk -Value 'disk'
    Set-Content -LiteralPath $vmcx -Value 'configuration'
    $group = @{
        Id = '1a2b3c4d-0000-4000-8000-000000000001'
        Name = 'web01'
        GroupType = 'VirtualMachine'
        State = 'Online'
        OwnerNode = 'NODE1'
        Priority = 2000
        Description = ''
    }
    $world.Clear()
    $world['Id'] = $id
    $world['Root'] = $Root
    $world['Folder'] = $folder
    $world['Disk'] = $disk
    $world['Vmcx'] = $vmcx
    $world['VM'] = @(Get-Machine -Id $id -Name 'web01' -Folder $folder)
    $world['Drive'] = @(Get-Drive -Id $id -Path $disk)
    $world['Status'] = @([uint16] 2)
    $world['Group'] = @([pscustomobject] $group)
    $world['Resource'] = @(
        Get-Resource -Id '1a2b3c4d-0000-4000-8000-000000000002' -Type 'Virtual Machine'
        Get-Resource -Id '1a2b3c4d-0000-4000-8000-000000000003' -Type 'Virtual Machine Configuration'
    )
    $world['Parameter'] = @{ VmId = $id; OfflineAction = [uint32] 1; MigrationState = [uint32] 0; VmStoreRootPath = $folder }
    $world['Snapshot'] = @()
    $world['Point'] = @()
    $world['Planned'] = @()
    $world['Change'] = @{ Processed = 1MB; Offset = @([uint64] 65536); Length = @([uint64] 4096) }
    $world['Method'] = [System.Collections.Generic.List[string]]::new()
    Use-StubClusterAnswer
    Use-StubMachineAnswer
    Use-StubCimAnswer
    return $world
}

function Use-StubClusterAnswer {
    $answers = @{
        'Get-Cluster' = { [pscustomobject] @{ Name = 'hv'; Domain = 'example.test'; ClusterFunctionalLevel = 11 } }
        'Get-ClusterNode' = { [pscustomobject] @{ Name = 'NODE1'; State = 'Up'; DrainStatus = 'NotInitiated' } }
        'Get-ClusterGroup' = {
            if ($world['Group'].Count -eq 0 -and $null -ne $args[0]['VMId']) {
                throw 'The cluster group could not be found.'
            }
            $world['Group']
        }
        'Get-ClusterResource' = { $world['Resource'] }
        'Get-ClusterParameter' = { Get-Row -Table $world['Parameter'] }
        'Set-ClusterParameter' = { $world['Parameter'][$args[0]['Name']] = $args[0]['Value'] }
        'Get-ClusterOwnerNode' = { [pscustomobject] @{ OwnerNodes = @('NODE1') } }
        'Get-ClusterGroupSet' = { return }
        'Get-ClusterAffinityRule' = { return }
        'Get-ClusterAccess' = { return }
        'Get-ClusterResourceDependency' = { [pscustomobject] @{ DependencyExpression = '' } }
        'Get-ClusterSharedVolume' = {
            $partition = [pscustomobject] @{
                Name = '\\?\Volume{5c2f2d0e-1111-4222-8333-94445555aaaa}\'
                FileSystem = 'ReFS'
                Size = 4GB
                FreeSpace = 1GB
            }
            $info = [pscustomobject] @{ FriendlyVolumeName = $world['Root']; Partition = $partition }
            [pscustomobject] @{
                Id = '1a2b3c4d-0000-4000-8000-000000000009'
                Name = 'Volume1'
                State = 'Online'
                OwnerNode = 'NODE1'
                SharedVolumeInfo = @($info)
            }
        }
        'Get-ClusterSharedVolumeState' = {
            [pscustomobject] @{
                Name = 'Volume1'
                Node = 'NODE1'
                StateInfo = 'Direct'
                FileSystemRedirectedIOReason = 'NotFileSystemRedirected'
                BlockRedirectedIOReason = 'NotBlockRedirected'
            }
        }
        'Stop-ClusterGroup' = { $world['Group'][0].State = 'Offline' }
        'Start-ClusterGroup' = { $world['Group'][0].State = 'Online' }
        'Remove-ClusterGroup' = {
            $world['Removed'] = $world['Group'], $world['Resource']
            $world['Group'] = @()
            $world['Resource'] = @()
        }
        'Add-ClusterVirtualMachineRole' = { $world['Group'], $world['Resource'] = $world['Removed'] }
    }
    foreach ($name in $answers.Keys) {
        Use-StubAnswer -Command $name -Answer $answers[$name]
    }
}

function Use-StubMachineAnswer {
    $answers = @{
        'Get-VM' = {
            $wanted = $args[0]['Id']
            $found = @(foreach ($one in $world['VM']) { if ($null -eq $wanted -or $one.Id -eq $wanted) { $one } })
            if ($found.Count -eq 0 -and $null -ne $wanted) {
                throw 'Hyper-V was unable to find a virtual machine.'
            }
            $found
        }
        'Get-VMHardDiskDrive' = { $world['Drive'] }
        'Get-VMSnapshot' = { return }
        'Get-VMNetworkAdapter' = { [pscustomobject] @{ Id = 'a'; Name = 'Adapter'; SwitchName = 'LAN'; MacAddress = '00155D000001' } }
        'Get-VMDvdDrive' = { return }
        'Get-VMIntegrationService' = {
            [pscustomobject] @{ Id = 'Microsoft:X\84EAAE65-2F2E-45F5-9BB5-0E857DC8EB47'; Enabled = $true }
        }
        'Get-VHD' = {
            [pscustomobject] @{
                Path = $args[0]['Path']
                VhdFormat = 'VHDX'
                VhdType = 'Dynamic'
                FileSize = 4MB
                Size = 2MB
                BlockSize = 1MB
                LogicalSectorSize = 512
                DiskIdentifier = 'D0D0D0D0-0000-4000-8000-000000000001'
                ParentPath = ''
            }
        }
        'Start-VM' = { $world['VM'][0].State = 'Running' }
        'Stop-VM' = { $world['VM'][0].State = 'Off' }
        'Remove-VM' = { $world['VM'] = @() }
        'Remove-VMSavedState' = { $world['VM'][0].State = 'Off' }
        'Compare-VM' = {
            if ($null -ne $args[0]['CompatibilityReport']) {
                return [pscustomobject] @{ VM = $world['Planned'][0]; Incompatibilities = @() }
            }
            [pscustomobject] @{ VM = $world['Planned'][0]; Incompatibilities = $world['Finding'] }
        }
        'Import-VM' = { $world['VM'] = $world['Planned'] }
        'Disconnect-VMNetworkAdapter' = { $world['Method'].Add('Disconnect-VMNetworkAdapter') }
        'Set-VMDvdDrive' = { $world['Method'].Add('Set-VMDvdDrive') }
        'Set-VMHardDiskDrive' = { $args[0]['VMHardDiskDrive'].Path = $args[0]['Path'] }
        'Set-VM' = {
            if ($args[0].ContainsKey('NewVMName')) {
                $args[0]['VM'].Name = $args[0]['NewVMName']
                $args[0]['VM'].Notes = $args[0]['Notes']
            }
        }
    }
    foreach ($name in $answers.Keys) {
        Use-StubAnswer -Command $name -Answer $answers[$name]
    }
}

function Use-StubCimAnswer {
    Use-StubAnswer -Command 'Get-CimInstance' -Answer {
        switch ($args[0]['ClassName']) {
            'Msvm_ComputerSystem' { [pscustomobject] @{ Name = $world['Id'].ToUpperInvariant(); OperationalStatus = $world['Status'] } }
            'Msvm_PlannedComputerSystem' { foreach ($one in $world['Planned']) { [pscustomobject] @{ Name = [string] $one.Id } } }
            'Msvm_StorageAllocationSettingData' {
                $key = "Microsoft:$($world['Id'])\C0FFEE00-0000-4000-8000-000000000001\0\0\L"
                [pscustomobject] @{ InstanceID = $key; HostResource = @($world['Disk']) }
            }
            'Win32_OperatingSystem' { [pscustomobject] @{ Version = '10.0.20348'; FreePhysicalMemory = [uint64] 3145728 } }
            { $_ -like 'Msvm_*Service' } { [pscustomobject] @{ Name = $_ } }
            default { throw 'Generic failure' }
        }
    }
    Use-StubAnswer -Command 'Get-CimAssociatedInstance' -Answer {
        switch ($args[0]['ResultClassName']) {
            'Msvm_VirtualSystemSettingData' { $world['Snapshot'] }
            'Msvm_VirtualSystemReferencePoint' { $world['Point'] }
            'Msvm_StorageAllocationSettingData' {
                [pscustomobject] @{
                    InstanceID = "$($args[0]['InputObject'].InstanceID)\C0FFEE00-0000-4000-8000-000000000001\0\0\L"
                    ResourceSubType = 'Microsoft:Hyper-V:Virtual Hard Disk'
                    HostResource = @($world['Disk'])
                    Parent = ''
                    AddressOnParent = '0'
                }
            }
            default { return }
        }
    }
    Use-StubAnswer -Command 'Invoke-CimMethod' -Answer {
        $name = $args[0]['MethodName']
        $given = $args[0]['Arguments']
        $world['Method'].Add($name)
        $result = @{ ReturnValue = [uint32] 0 }
        switch ($name) {
            'CreateSnapshot' { Add-StubSnapshot -Id 'aaaaaaaa-0000-4000-8000-000000000001' -Name 'unnamed' }
            'ModifySystemSettings' {
                if ($given['SystemSettings'] -match '<VALUE>(borg-cluster [^<]+)</VALUE>') {
                    $world['Snapshot'][-1].ElementName = $Matches[1]
                }
            }
            'DestroySnapshot' { $world['Snapshot'] = @() }
            'ConvertToReferencePoint' {
                $name = @($world['Snapshot'])[0].ElementName
                $world['Snapshot'] = @()
                $point = @{
                    ElementName = $name
                    InstanceID = 'Microsoft:bbbbbbbb-0000-4000-8000-000000000001'
                    CreationTime = [datetime]::new(2024, 5, 12, 0, 0, 0, [System.DateTimeKind]::Utc)
                    VirtualDiskIdentifiers = @("Microsoft:$($world['Id'])\C0FFEE00-0000-4000-8000-000000000001\0\0\L")
                    ResilientChangeTrackingIdentifiers = @('rctX:1:2')
                }
                $world['Point'] = @([pscustomobject] $point)
            }
            'DestroyReferencePoint' { $world['Point'] = @() }
            'GetVirtualDiskChanges' {
                $result['ProcessedByteLength'] = [uint64] $world['Change']['Processed']
                $result['ChangedByteOffsets'] = $world['Change']['Offset']
                $result['ChangedByteLengths'] = $world['Change']['Length']
            }
            'RealizePlannedSystem' { $world['VM'] = @($world['VM']) + @($world['Planned']) }
            default { return }
        }
        [pscustomobject] $result
    }
}

function Import-StubModule {
    <#
    .SYNOPSIS
    Imports the stubs and, over them, the module.
    #>
    param (
        [Parameter(Mandatory)]
        [string]
        $Folder
    )

    Import-Stub -Folder (Join-Path -Path $Folder -ChildPath 'stubs')
    $root = Join-Path -Path $PSScriptRoot -ChildPath '../../..'
    Import-Module -Name (Join-Path -Path $root -ChildPath 'powershell/BorgCluster/BorgCluster.psd1') -Force -Global
}

Export-ModuleMember -Function 'Add-StubSnapshot', 'Get-Machine', 'Import-StubModule', 'Use-StubAnswer', 'Use-StubWorld'
